/**
 * A message on the subject of a schedule. What is thrown here is tried again by whoever delivers; what
 * can never become a directive is skipped, which is on record.
 */
import { isRefusal, streamOf, Unavailable } from '@writ/contracts';
import type { Overheard } from '@writ/messaging';
import { problemWith } from './check-directive';
import { readMessage } from './read-message';
import { actorOf, decideSchedule, endedOf, type Schedules } from './schedules';

export async function hearMessage(
  deps: Schedules,
  scheduleId: string,
  message: Overheard,
): Promise<void> {
  const { state } = await deps.schedules.load(streamOf.schedule(scheduleId));
  if (state.status !== 'active' || state.spec.trigger.kind !== 'subject') return;
  const read = readMessage(state.spec.trigger, message, await deps.rows.now());
  const { occurrence } = read;
  const known = state.heard.get(occurrence.key) !== undefined;
  const full = known ? undefined : await deps.planner.admission.enter(1);
  if (full !== undefined) throw new Unavailable(full.message);
  const problem = read.problem ?? problemWith(state.spec, occurrence.variables);
  const heard = { occurrence, ...(problem === undefined ? {} : { problem }) };
  const ended = await endedOf(deps, state);
  const cause = { commandId: `heard-${occurrence.key}`, actor: actorOf(scheduleId) };
  const decided = await decideSchedule(deps, scheduleId, { type: 'hear', heard, ended }, cause);
  if (isRefusal(decided)) throw new Error(decided.message);
  if (decided.events.length === 0) deps.metrics.scheduleOccurrences.inc({ outcome: 'duplicate' });
}
