/** Answers why a run is as it is: from its stream, its lease, and the runs that succeeded before it. */
import { queries, streamOf, type RunEnded, type Why } from '@writ/contracts';
import { whyRunIs, type Success } from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Executor } from './executor';
import { isCacheable } from './run-cache/cache-table';

type Deps = Pick<Executor, 'runs' | 'log' | 'leases' | 'successesOf'>;

export async function answerWhyRun(deps: Deps, question: unknown): Promise<Why> {
  const { runId } = queries.whyRun.schema.parse(question);
  const { state, position } = await deps.runs.load(streamOf.run(runId));
  if (state.status === 'pending') {
    throw new QueryError('not_found', `no executor has begun a run ${runId}`);
  }
  const { step } = state.status === 'ended' ? state.ended : state.claimed;
  const [isHeld, successes] = await Promise.all([
    state.status === 'claimed' ? deps.leases.living([runId]).then((it) => it.has(runId)) : false,
    findSuccesses(deps, step, position),
  ]);
  return whyRunIs(runId, state, { isHeld, successes });
}

async function findSuccesses(deps: Deps, step: string, before: number): Promise<Success[]> {
  const ids = await deps.successesOf(step, before);
  const ends = await deps.log.lastEvents(ids.map(streamOf.run));
  const found = new Map(
    ends
      .filter(({ type }) => type === 'RunEnded')
      .map(({ data }) => data as RunEnded)
      .flatMap((end): [string, Success][] => {
        const { runId, bundle } = end;
        if (bundle === undefined) return [];
        return [[runId, { runId, bundle, cacheable: isCacheable(end) }]];
      }),
  );
  return ids.flatMap((id) => found.get(id) ?? []); // the latest first
}
