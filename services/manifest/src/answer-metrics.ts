/** Answers what a directive or one of its runs came to, by the log as it is now. */
import { directiveIdOf, queries, type DirectiveMetrics, type RunMetrics } from '@writ/contracts';
import { directiveMetrics, MetricsAccount, runMetrics } from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Keeper } from './keeper';
import { readHistory } from './read-history';

type Log = Pick<Keeper, 'log'>;

export async function answerDirectiveMetrics(
  { log }: Log,
  question: unknown,
): Promise<DirectiveMetrics> {
  const { id } = queries.directiveMetrics.schema.parse(question);
  const account = new MetricsAccount(id);
  for await (const event of readHistory(log, id)) account.take(event);
  const metrics = directiveMetrics(account);
  if (metrics === undefined) throw new QueryError('not_found', `there is no directive ${id}`);
  return metrics;
}

export async function answerRunMetrics({ log }: Log, question: unknown): Promise<RunMetrics> {
  const { id } = queries.runMetrics.schema.parse(question);
  const directiveId = directiveIdOf(id);
  const account = new MetricsAccount(directiveId);
  for await (const event of readHistory(log, directiveId, [id])) account.take(event);
  const facts = account.runs.get(id);
  if (facts === undefined) throw new QueryError('not_found', `there is no run ${id}`);
  return runMetrics(facts);
}
