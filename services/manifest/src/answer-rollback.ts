/** Answers what going back to before a step would mean, by the log as it is now. Does nothing. */
import {
  isRefusal,
  queries,
  streamOf,
  type RecordedEvent,
  type RollbackAdvisory,
  type RunEnded,
  type WorkspaceEvent,
} from '@writ/contracts';
import {
  evolveDirective,
  planRollback,
  rollbackAdvisory,
  type Directive,
  type DirectiveState,
  type Merge,
} from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Keeper } from './keeper';
import { readHistory } from './read-history';

interface Told {
  readonly directive: DirectiveState;
  /** What the branch is made of. */
  readonly merged: readonly Merge[];
  readonly runs: ReadonlyMap<string, readonly RunEnded[]>;
}

export async function answerRollback(
  { log }: Pick<Keeper, 'log'>,
  question: unknown,
): Promise<RollbackAdvisory> {
  const { id, step } = queries.rollbackAdvisory.schema.parse(question);
  const { directive, merged, runs } = await tell(readHistory(log, id), id);
  if (directive.status === 'absent') {
    throw new QueryError('not_found', `there is no directive ${id}`);
  }
  const plan = planRollback(directive, step, merged);
  if (isRefusal(plan)) throw new QueryError(plan.refused, plan.message);
  const own = runsOf(directive, runs);
  return { directiveId: id, plan, markdown: rollbackAdvisory(directive, plan, own) };
}

async function tell(events: AsyncIterable<RecordedEvent>, id: string): Promise<Told> {
  let directive: DirectiveState = { status: 'absent' };
  let merged: Merge[] = [];
  const runs = new Map<string, RunEnded[]>();
  for await (const event of events) {
    if (event.type === 'RunEnded') {
      const ended = event.data as RunEnded;
      runs.set(ended.step, [...(runs.get(ended.step) ?? []), ended]);
    }
    if (event.stream === streamOf.directive(id)) directive = evolveDirective(directive, event);
    if (event.stream === streamOf.workspace(id)) {
      merged = mergedAfter(merged, event as unknown as WorkspaceEvent);
    }
  }
  return { directive, merged, runs };
}

function mergedAfter(merged: Merge[], { type, data }: WorkspaceEvent): Merge[] {
  if (type === 'StepMerged') return [...merged, { step: data.step, commit: data.commit }];
  if (type !== 'WorkspaceRolledBack') return merged;
  const last = merged.map(({ commit }) => commit).lastIndexOf(data.to);
  return merged.slice(0, last + 1);
}

/** Of the present chain: what came of an earlier one is not what its steps stand on. */
function runsOf({ id, generation, chain }: Directive, runs: Told['runs']): Told['runs'] {
  const own = new Map<string, RunEnded[]>();
  for (const [step, all] of runs) {
    const present = chain.get(step)?.runId;
    const prefix = `${id}-g${generation}-`;
    const some = all.filter(({ runId }) => runId.startsWith(prefix) || runId === present);
    own.set(step, some);
  }
  return own;
}
