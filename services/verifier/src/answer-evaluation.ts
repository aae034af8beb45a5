/** Answers how a run was judged, from the stream of its evaluation. */
import { queries, streamOf } from '@writ/contracts';
import { QueryError } from '@writ/messaging';
import type { Verifier } from './verifier';

export async function answerEvaluation(
  deps: Pick<Verifier, 'log'>,
  question: unknown,
): Promise<unknown> {
  const { runId } = queries.evaluation.schema.parse(question);
  const [last] = await deps.log.lastEvents([streamOf.evaluation(runId)]);
  if (last?.type === 'EvaluationCompleted') return last.data;
  throw new QueryError('not_found', `run ${runId} is not judged`);
}
