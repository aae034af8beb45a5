/**
 * Rings again what is due and unattended. Messages may be lost, NATS may be wiped, a planner may
 * die between its commit and its messages: all of it only costs the time until the next pass.
 *
 * R1 Work is rung when a pass finds it due and an earlier pass, long enough ago, found it due too:
 *    two readings of one clock in one process, so no clocks are compared.
 * R2 The first pass of a process waits for nobody: whoever was before it may have died.
 * R3 What shows in the log as done is noted from there, not rung.
 * R4 A directive that cannot be attended to does not stand in the way of the others.
 * R5 A directive is stuck when something in it was rung in vain, again and again: nobody has begun
 *    with it, or it has taken longer than it may.
 * R6 A directive that stands as it stood, and in which nothing is to be rung yet, is not even read:
 *    thousands may wait for a program's turn. One that moves is known from memory.
 */
import { isRefusal, streamOf, Unavailable } from '@writ/contracts';
import {
  isOverTime,
  nextDeadline,
  nextProbe,
  workOf,
  type Directive,
  type WorkItem,
} from '@writ/domain';
import { findProgress, type Done } from './find-progress';
import { noteInOrder } from './note-workspace';
import { decide, planner, send, type Planner } from './planner';
import { busyQueues, WatchedWork, type Watching } from './watched-work';

export interface ReconcileOptions extends Watching {
  /** Milliseconds, only differences count. */
  readonly now: () => number;
}

/** One pass over all directives that have not ended; call it again and again. */
export function createReconciler(deps: Planner, options: ReconcileOptions): () => Promise<void> {
  const watched = new Map<string, WatchedWork>();
  let isFirst = true;

  async function attend(
    directive: Directive,
    items: readonly WorkItem[],
    watch: WatchedWork,
  ): Promise<void> {
    const { done, begun } = await findProgress(deps, directive.id, items);
    for (const item of items) {
      const known = done.get(item.id);
      if (known !== undefined) {
        await noteDone(deps, directive, item, known);
        continue;
      }
      watch.rung(item, { at: options.now(), begun: begun.has(item.id) });
      // A distinct id: NATS must not take the ring for the message that was lost.
      const about = { correlationId: directive.id, traceparent: directive.traceparent };
      send(deps, item, about, `-ring-${Math.round(options.now())}`);
      deps.metrics.rerings.inc({ what: item.type === 'writ.work' ? 'work' : 'evaluation' });
    }
  }

  /** R6: what is remembered will do when the read model, which comes after the log, knows no more. */
  async function find(id: string, version: number | undefined): Promise<Directive | undefined> {
    const stream = streamOf.directive(id);
    const known = deps.directives.known(stream);
    const isNew = known !== undefined && version !== undefined && known.version >= version;
    const { state } = isNew ? known : await deps.directives.load(stream);
    return state.status === 'absent' ? undefined : state;
  }

  /** `now` is the database's. */
  async function look(
    id: string,
    { version, now, watch }: { version?: number; now: string; watch: WatchedWork },
  ): Promise<void> {
    const directive = await find(id, version);
    if (directive === undefined) return;
    await noteTimes(deps, directive, now);
    const items = workOf(directive, { next: deps.stepsAhead });
    watch.found(directive, items, options.now());
    const unattended = items.filter((item) => isFirst || watch.isDue(item, options.now())); // R1, R2
    if (unattended.length > 0) await attend(directive, unattended, watch);
  }

  return async () => {
    const { ids, versions, now } = await deps.rows.unfinished();
    deps.admission.noteUnfinished(ids.length);
    const busy = ids.length === 0 ? new Set<string>() : await busyQueues(deps.bus);
    let stuck = 0;
    for (const [at, id] of ids.entries()) {
      const version = versions?.[at];
      const watch = watched.get(id) ?? new WatchedWork(options);
      watched.set(id, watch);
      watch.queuesAre(busy);
      try {
        if (!watch.isQuiet(version, now, options.now())) await look(id, { version, now, watch });
        if (watch.isStuck(options.now())) stuck += 1;
      } catch (error) {
        if (error instanceof Unavailable) throw error; // the same for all of them
        stuck += 1; // R4
        deps.logger.error({ err: error, directiveId: id }, 'a directive cannot be reconciled');
      }
    }
    const unfinished = new Set(ids);
    for (const id of watched.keys()) if (!unfinished.has(id)) watched.delete(id);
    isFirst = false;
    deps.metrics.stuck.set(stuck);
  };
}

/** What is over by the database's clock: the time of the directive, or of something that it asks. */
async function noteTimes(deps: Planner, directive: Directive, now: string): Promise<void> {
  const { id, traceparent, movingSince: since } = directive;
  const about = { actor: planner, traceparent };
  if (since !== null && isOverTime(directive, now)) {
    const cause = { commandId: `time-${id}-${since}`, ...about };
    await decide(deps, id, { type: 'note-time', now, since }, cause);
  }
  const probe = nextProbe(directive.suspension);
  if (probe !== null && Date.parse(now) >= probe) {
    const { since: from = '' } = directive.suspension ?? {};
    const cause = { commandId: `probe-${id}-${from}`, ...about };
    await decide(deps, id, { type: 'note-probe', now, since: from }, cause);
  }
  const deadline = nextDeadline(directive.approvals);
  if (deadline !== null && Date.parse(now) >= Date.parse(deadline)) {
    const cause = { commandId: `deadline-${id}-${deadline}`, ...about };
    await decide(deps, id, { type: 'note-deadline', now }, cause);
  }
}

/** R3 */
async function noteDone(
  deps: Planner,
  { id, traceparent }: Directive,
  item: WorkItem,
  { command, version }: Done,
): Promise<void> {
  const cause = { commandId: `reconcile-${item.id}`, actor: planner, traceparent };
  const decided =
    command.type === 'note-workspace'
      ? await noteInOrder(deps, command.event, version, cause)
      : await decide(deps, id, command, cause);
  if (isRefusal(decided)) deps.logger.error({ directiveId: id }, decided.message);
  deps.metrics.rerings.inc({ what: 'event' });
}
