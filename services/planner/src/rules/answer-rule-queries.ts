/** Answers about rules: one from its stream, always current; the list from the read model. */
import { queries, streamOf } from '@writ/contracts';
import { ruleDocument } from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Rules } from './rules';

export async function answerRule(deps: Rules, question: unknown): Promise<unknown> {
  const { name } = queries.rule.schema.parse(question);
  const { state } = await deps.rules.load(streamOf.rule(name));
  if (state.status === 'absent') throw new QueryError('not_found', `there is no rule ${name}`);
  return ruleDocument(state);
}

export async function answerRules(deps: Rules, question: unknown): Promise<unknown> {
  return deps.rows.list(queries.rules.schema.parse(question));
}
