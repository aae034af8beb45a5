/**
 * Looks at all schedules again and again: at the next time of any of them, and every so often. Time is
 * the database's. Several planners do the same; of two that fire one time the second conflicts, decides
 * again and finds nothing to do.
 *
 * K1 A firing whose directive is not there is made whole: who fired it may have died.
 * K2 A time for which there is no room stays due.
 * K3 A schedule that cannot be attended to does not stand in the way of the others.
 * K4 One that stands as it stood, whose time has not come, is not even read: working out times costs.
 * K5 One that is removed is looked at once by each process, for K1 and for what it has left at a
 *    stream.
 */
import { isRefusal, streamOf, Unavailable, type RecordedEvent } from '@writ/contracts';
import { type Checked, type Schedule } from '@writ/domain';
import { problemWith } from './check-directive';
import { variablesOf } from './read-message';
import { actorOf, decideSchedule, endedOf, makeDirective, type Schedules } from './schedules';
import { dueTimes, nextTimes } from './times';

export interface TickOptions {
  /** Ids that the read model may not have yet; taken by a pass. */
  readonly touched: Set<string>;
}

interface Quiet {
  /** Of the schedule, when it was looked at; -1 when it is to be looked at again. */
  readonly version: number;
  /** Its next time, by the database's clock. */
  readonly until: number;
}

/** One pass; tells when the next time of any schedule is due, in milliseconds, if there is one. */
export function createTick(
  deps: Schedules,
  { touched }: TickOptions,
): () => Promise<number | undefined> {
  /** K1: up to which version all firings are known to be made. */
  const whole = new Map<string, number>();
  /** K4 */
  const quiet = new Map<string, Quiet>();
  let isFirst = true;

  /** Tells until when it need not be looked at. */
  async function look(id: string, version: number | undefined, now: string): Promise<Quiet> {
    const schedule = await find(deps, id, version);
    if (schedule === undefined) return { version: 0, until: Infinity };
    await makeWhole(deps, schedule, whole);
    await deps.subjects.setRight(schedule);
    const heard = schedule.spec.trigger.kind === 'cron' || deps.subjects.hears(id);
    const isOver = schedule.status === 'removed';
    if (!heard && !isOver) return { version: -1, until: Infinity };
    if (schedule.status !== 'active') return { version: schedule.version, until: Infinity };
    const rest = await fireDue(deps, schedule, now);
    const [next] = nextTimes(schedule.spec.trigger, now, 1);
    const until = next === undefined ? Infinity : Date.parse(next);
    return { version: rest ? schedule.version : -1, until };
  }

  return async () => {
    const asked = [...touched];
    touched.clear();
    const { now, schedules, counts } = await deps.rows.toWatch(isFirst);
    const versions = new Map<string, number | undefined>(
      [...asked, ...deps.subjects.ids()].map((id) => [id, undefined]),
    );
    for (const { id, version } of schedules) versions.set(id, version);
    let soonest = Infinity;
    for (const [id, version] of versions) {
      try {
        const known = quiet.get(id);
        const at = Date.parse(now);
        const rests = known !== undefined && known.version === version && at < known.until; // K4
        const found: Quiet = rests ? known : await look(id, version, now);
        quiet.set(id, found);
        soonest = Math.min(soonest, found.until - at);
      } catch (error) {
        if (error instanceof Unavailable) throw error; // the same for all of them
        deps.logger.error({ err: error, scheduleId: id }, 'a schedule cannot be attended to'); // K3
      }
    }
    isFirst = false;
    deps.metrics.schedules.set({ status: 'active' }, counts.active);
    deps.metrics.schedules.set({ status: 'paused' }, counts.paused);
    return soonest === Infinity ? undefined : soonest;
  };
}

async function find(
  deps: Schedules,
  id: string,
  version: number | undefined,
): Promise<Schedule | undefined> {
  const stream = streamOf.schedule(id);
  const known = deps.schedules.known(stream);
  const isNew = known !== undefined && version !== undefined && known.version >= version;
  const { state } = isNew ? known : await deps.schedules.load(stream);
  return state.status === 'absent' ? undefined : state;
}

/** K1 */
async function makeWhole(
  deps: Schedules,
  { id, firings, version }: Schedule,
  whole: Map<string, number>,
): Promise<void> {
  const from = whole.get(id) ?? 0;
  if (version === from) return;
  const open = firings.filter((it) => it.version > from && it.refused === undefined);
  const streams = open.map(({ directiveId }) => streamOf.directive(directiveId));
  const there = streams.length === 0 ? [] : await deps.log.lastEvents(streams);
  const made = new Set(there.map(({ stream }) => stream));
  for (const firing of open) {
    if (made.has(streamOf.directive(firing.directiveId))) continue;
    const afterVersion = firing.version - 1;
    const stream = streamOf.schedule(id);
    const [event] = await deps.log.readStream(stream, { afterVersion, limit: 1 });
    deps.metrics.scheduleRerings.inc();
    await makeDirective(deps, id, event as RecordedEvent);
  }
  whole.set(id, version);
}

/** True when there is nothing left to do before its next time. */
async function fireDue(deps: Schedules, schedule: Schedule, now: string): Promise<boolean> {
  const { id, spec, upTo, waiting } = schedule;
  const { times, from } = dueTimes(spec.trigger, upTo, now);
  if (times.length === 0 && waiting === null) return true;
  const ended = await endedOf(deps, schedule);
  if (times.length === 0 && ended.size === 0) return false;
  if ((await deps.planner.admission.enter(1)) !== undefined) return false; // K2
  const due = times.map((time): Checked => {
    const variables = variablesOf(spec.trigger, '', time);
    const occurrence = { by: 'cron', scheduledFor: time, key: time, variables } as const;
    const problem = problemWith(spec, variables);
    return { occurrence, ...(problem === undefined ? {} : { problem }) };
  });
  const command = {
    type: 'tick',
    now,
    due,
    ended,
    ...(from === undefined ? {} : { from }),
  } as const;
  const cause = { commandId: `tick-${id}-${now}`, actor: actorOf(id) };
  const decided = await decideSchedule(deps, id, command, cause);
  if (isRefusal(decided)) deps.logger.error({ scheduleId: id }, decided.message);
  return false;
}
