/** Answers about directives: one from its stream, always current; the list from the read model. */
import { directiveIdOf, queries, streamOf, type EvaluationCompleted } from '@writ/contracts';
import { approvalDocument, directiveDocument, judgedRunsOf, withEvidence } from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Planner } from './planner';

export async function answerDirective(deps: Planner, question: unknown): Promise<unknown> {
  const { id } = queries.directive.schema.parse(question);
  const { state } = await deps.directives.load(streamOf.directive(id));
  if (state.status === 'absent') throw new QueryError('not_found', `there is no directive ${id}`);
  const streams = judgedRunsOf(state).map((runId) => streamOf.evaluation(runId));
  const last = streams.length === 0 ? [] : await deps.log.lastEvents(streams);
  // As deciders fold what is in the log: it was checked when it was written.
  const judged = last.flatMap(({ type, data }) =>
    type === 'EvaluationCompleted' ? [data as EvaluationCompleted] : [],
  );
  return withEvidence(directiveDocument(state), state, judged);
}

export async function answerDirectives(deps: Planner, question: unknown): Promise<unknown> {
  const asked = queries.directives.schema.parse(question);
  const rows = await deps.rows.list(asked);
  if (rows === undefined) {
    throw new QueryError('not_found', `there is no directive ${asked.after} to go on from`);
  }
  return rows;
}

export async function answerApprovals(deps: Planner, question: unknown): Promise<unknown> {
  return deps.approvals.list(queries.approvals.schema.parse(question));
}

export async function answerApproval(deps: Planner, question: unknown): Promise<unknown> {
  const { id } = queries.approval.schema.parse(question);
  const directiveId = directiveIdOf(id);
  const { state } = await deps.directives.load(streamOf.directive(directiveId));
  const approval = state.status === 'absent' ? undefined : state.approvals.get(id);
  if (approval === undefined) throw new QueryError('not_found', `there is no approval ${id}`);
  return approvalDocument(directiveId, approval);
}
