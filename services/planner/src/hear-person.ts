/**
 * What people say about approvals, as commands of the domain: who it is, with which roles, at which
 * time of the database. Owns that the answer to a question is in the content store before it is
 * decided upon.
 */
import {
  streamOf,
  type Actor,
  type approvalVerbs,
  type DirectiveCommandData,
  type Refusal,
} from '@writ/contracts';
import { answerText, type DirectiveCommand } from '@writ/domain';
import type { Planner } from './planner';

type Verb = (typeof approvalVerbs)[number];
export type Said = {
  [V in Verb]: { readonly verb: V; readonly data: DirectiveCommandData<V> };
}[Verb];

export async function hearPerson(
  deps: Planner,
  commandId: string,
  said: Said,
  actor: Actor,
): Promise<DirectiveCommand | Refusal> {
  if (actor.kind !== 'person') {
    return { refused: 'not_allowed', message: `a ${actor.kind} does not decide; people do` };
  }
  const { approvalId } = said.data;
  if (said.verb === 'ask') {
    const { question: text } = said.data;
    return { type: 'talk', commandId, verb: said.verb, approvalId, text, by: actor.id };
  }
  const by = { id: actor.id, roles: deps.people?.rolesOf(actor.id) };
  if (said.verb === 'answer') return hearAnswer(deps, commandId, said.data, by);
  const { digest, comment } = said.data;
  const vote = { type: 'vote', commandId, approvalId, digest, comment, by } as const;
  const now = await deps.rows.now();
  if (said.verb === 'deny') {
    const decision = said.data.rework ? 'rework' : 'deny';
    return { ...vote, verb: said.verb, decision, now };
  }
  const { ticks, edits } = said.data;
  return { ...vote, verb: said.verb, decision: 'approve', ticks, edits, now };
}

/** With a digest it answers the question that a step is; without, what somebody asked about one. */
async function hearAnswer(
  deps: Planner,
  commandId: string,
  data: DirectiveCommandData<'answer'>,
  by: { readonly id: string; readonly roles?: readonly string[] },
): Promise<DirectiveCommand | Refusal> {
  const { approvalId, directiveId, digest, choice, text, question } = data;
  const verb = 'answer';
  if (digest === undefined) {
    if (text === undefined || choice !== undefined) {
      const message =
        'an answer to what was asked about an approval is a text; ' +
        'one that decides repeats the digest of the question';
      return { refused: 'incomplete', message };
    }
    return { type: 'talk', commandId, verb, approvalId, text, question, by: by.id };
  }
  const now = await deps.rows.now();
  const vote = { type: 'vote', commandId, verb, approvalId, digest, by, now } as const;
  const { state } = await deps.directives.load(streamOf.directive(directiveId));
  const asked =
    state.status === 'absent' ? undefined : state.approvals.get(approvalId)?.request.question;
  if (asked === undefined) return { ...vote, decision: 'approve' };
  const answer = {
    ...(choice === undefined ? {} : { choice }),
    ...(text === undefined ? {} : { text }),
  };
  const bytes = Buffer.from(answerText(asked.text, answer, by.id, now));
  const kept = await deps.content.put(bytes);
  const artifact = { digest: kept.digest, bytes: bytes.length };
  return { ...vote, decision: 'approve', answer, artifact };
}
