/** Answers about directives: one from its stream, always current; the list from the read model. */
import { queries, streamOf } from '@writ/contracts';
import { directiveDocument } from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Planner } from './planner';

export async function answerDirective(deps: Planner, question: unknown): Promise<unknown> {
  const { id } = queries.directive.schema.parse(question);
  const { state } = await deps.directives.load(streamOf.directive(id));
  if (state.status === 'absent') throw new QueryError('not_found', `there is no directive ${id}`);
  return directiveDocument(state);
}

export async function answerDirectives(deps: Planner, question: unknown): Promise<unknown> {
  const asked = queries.directives.schema.parse(question);
  const rows = await deps.rows.list(asked);
  if (rows === undefined) {
    throw new QueryError('not_found', `there is no directive ${asked.after} to go on from`);
  }
  return rows;
}
