/** What people say about steps that wait for them, and what becomes of those nobody speaks about. */
import type { Decision, DirectiveEvent, Refusal, StepFailure } from '@writ/contracts';
import { isPending, outcomeOf, refusalOfVote } from './approvals';
import type { Approval, Voter } from './approvals';
import { Draft } from './directive-draft';
import { resolvePlan } from './directive-planning';
import { isFinal, type Directive } from './directive-state';
import { reworkAfterChecks } from './rework';
import { block, pass, sendBack } from './step-outcome';

export interface CastVote {
  readonly commandId: string;
  readonly verb: 'approve' | 'deny';
  readonly approvalId: string;
  readonly decision: Decision;
  readonly digest: string;
  readonly comment?: string;
  readonly by: Voter;
  /** The database's. */
  readonly now: string;
}

/** What a person says about a step that waits for him. */
export function noteVote(vote: CastVote, state: Directive): DirectiveEvent[] {
  const { approvalId, commandId, verb, decision, by, digest, comment, now } = vote;
  const first = state.answers.get(commandId);
  if (first !== undefined) return [];
  const refuse = ({ refused: code, message, details }: Refusal): DirectiveEvent[] => [
    { type: 'CommandRefused', data: { verb, code, message, details } },
  ];
  const approval = state.approvals.get(approvalId);
  if (approval === undefined) {
    const message = `directive ${state.id} has no approval ${approvalId}`;
    return refuse({ refused: 'not_found', message });
  }
  const refusal = refusalOfVote(approval, { by, digest, now });
  if (refusal !== undefined) return refuse(refusal);
  const draft = new Draft(state, state.id);
  const said = comment === undefined ? {} : { comment };
  draft.emit({ type: 'ApprovalVoted', data: { approvalId, decision, by: by.id, digest, ...said } });
  const outcome = outcomeOf(approval, { by: by.id, decision });
  if (outcome !== undefined) {
    const voters = [...approval.votes.map((it) => it.by), by.id];
    resolve(draft, approval, outcome, voters, comment);
  }
  return draft.events;
}

/** The time of an approval is over: it goes to others, or counts as denied. */
export function noteDeadline(now: string, state: Directive): DirectiveEvent[] {
  if (isFinal(state.status)) return [];
  const draft = new Draft(state, state.id);
  for (const id of state.approvals.keys()) {
    // What became of one may have voided the others.
    const approval = draft.state.approvals.get(id);
    if (approval === undefined || !isPending(approval)) continue;
    const { deadline, escalated, request } = approval;
    if (deadline === null || Date.parse(deadline) > Date.parse(now)) continue;
    const { approvalId, policy } = request;
    if (policy.onExpiry === 'escalate' && !escalated) {
      draft.emit({ type: 'ApprovalEscalated', data: { approvalId, roles: policy.escalateTo } });
    } else resolve(draft, approval, 'deny', [], `nobody decided until ${deadline}`);
  }
  return draft.events;
}

function resolve(
  draft: Draft,
  { request }: Approval,
  decision: Decision,
  by: string[],
  comment: string | undefined,
): void {
  const { approvalId, step, run, confidence } = request;
  const reason = comment === undefined ? {} : { reason: comment };
  draft.emit({ type: 'ApprovalResolved', data: { approvalId, decision, by, ...reason } });
  if (request.type === 'plan_review') {
    const who = by.length === 0 ? 'denied' : `denied by ${by.at(-1)}`;
    return resolvePlan(draft, decision, comment === undefined ? who : `${who}: ${comment}`);
  }
  if (run === undefined || draft.state.chain.get(step)?.status !== 'awaiting_approval') return;
  switch (decision) {
    case 'approve':
      return pass(draft, step, run, confidence);
    case 'rework': {
      const { rework: asked = reworkAfterChecks(run, [], request.summary) } = request;
      const instructions = [comment, asked.instructions].filter((it) => it !== undefined);
      const rework = { ...asked, instructions: instructions.join('\n\n') };
      return sendBack(draft, { step, run, confidence, rework });
    }
    case 'deny': {
      const who = by.length === 0 ? 'denied' : `denied by ${by.at(-1)}`;
      const message = comment === undefined ? who : `${who}: ${comment}`;
      const failure: StepFailure = { kind: 'denied', message };
      return block(draft, { step, because: step, run, confidence, failure });
    }
  }
}
