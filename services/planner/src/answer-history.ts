/** Answers what a directive was like at a moment, and where two of them part. */
import {
  queries,
  streamOf,
  type DirectiveDiff,
  type DirectiveDocument,
  type RunEnded,
} from '@writ/contracts';
import { diffDirectives, directiveDocument } from '@writ/domain';
import type { Planner } from './planner';
import { readHistory, type History } from './read-history';

export async function answerState(
  { log }: Pick<Planner, 'log'>,
  question: unknown,
): Promise<DirectiveDocument> {
  const { id, at } = queries.state.schema.parse(question);
  const { directive } = await readHistory(log, id, at);
  return directiveDocument(directive);
}

export async function answerDiff(
  { log }: Pick<Planner, 'log'>,
  question: unknown,
): Promise<DirectiveDiff> {
  const { a, b } = queries.diff.schema.parse(question);
  const [one, other] = await Promise.all([
    readHistory(log, a.id, a.at),
    readHistory(log, b.id, b.at),
  ]);
  return diffDirectives(one, other, await bundlesOf(log, [one, other]));
}

/** The bundle hashes of the runs that had ended, by run. */
async function bundlesOf(
  log: Pick<Planner['log'], 'lastEvents'>,
  histories: readonly History[],
): Promise<Map<string, string>> {
  const runs = histories.flatMap(({ directive }) =>
    [...directive.chain].flatMap(({ run }) => run?.runId ?? []),
  );
  if (runs.length === 0) return new Map();
  const ends = await log.lastEvents([...new Set(runs)].map(streamOf.run));
  return new Map(
    ends.flatMap(({ type, data }): [string, string][] => {
      const { runId, bundle } = data as RunEnded;
      return type === 'RunEnded' && bundle !== undefined ? [[runId, bundle.hash]] : [];
    }),
  );
}
