/**
 * Runs that ended together: an executor may go on from one step to the next at once, and names in the
 * first end those that follow (`RunEnded.next`). Owns that they are noted with it, in one append.
 */
import { PLAN_STEP, streamOf, type RunEnded } from '@writ/contracts';
import { planFileOf, type DirectiveCommand } from '@writ/domain';
import type { EventLog } from '@writ/event-log';
import { readPlan } from './made-plan';
import type { Planner } from './planner';

const MOST_EXPECTED = 20_000;

/** The end with those that follow it, as far as they are on record, in their order. */
export async function endsFrom(
  log: Pick<EventLog, 'lastEvents'>,
  first: RunEnded,
): Promise<RunEnded[]> {
  const { next = [] } = first;
  if (next.length === 0) return [first];
  const last = await log.lastEvents(next.map(streamOf.run));
  const ends = new Map(
    last.filter(({ type }) => type === 'RunEnded').map(({ stream, data }) => [stream, data]),
  );
  const known = next.map((runId) => ends.get(streamOf.run(runId)) as RunEnded | undefined);
  const missing = known.indexOf(undefined);
  return [first, ...((missing < 0 ? known : known.slice(0, missing)) as RunEnded[])];
}

/** What is noted of a run that has ended: a plan, or the end of a step with those that follow it. */
export async function notingOf(
  { log, content, directives }: Pick<Planner, 'log' | 'content' | 'directives'>,
  ended: RunEnded,
): Promise<Extract<DirectiveCommand, { type: 'note-plan' | 'note-runs' }>> {
  if (ended.step !== PLAN_STEP) return { type: 'note-runs', ends: await endsFrom(log, ended) };
  const { state } = await directives.load(streamOf.directive(ended.directiveId));
  if (state.status === 'absent') return { type: 'note-runs', ends: [ended] };
  return { type: 'note-plan', ended, made: await readPlan(content, ended, planFileOf(state.spec)) };
}

/**
 * Whose ends are being noted with an earlier one: their own messages, which come right behind, have
 * nothing to add. The message of the earlier one is acknowledged only when they are noted, and comes
 * again until then.
 */
export class NotedTogether {
  private readonly expected = new Set<string>();

  add({ next = [] }: RunEnded): void {
    for (const runId of next) this.expected.add(runId);
    for (const runId of this.expected) {
      if (this.expected.size <= MOST_EXPECTED) break;
      this.expected.delete(runId);
    }
  }

  /** True once for each that was added. */
  has(runId: string): boolean {
    return this.expected.delete(runId);
  }
}
