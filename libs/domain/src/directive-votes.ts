/** What people say about steps that wait for them, and what becomes of those nobody speaks about. */
import type { Decision, DirectiveEvent, Refusal, StepFailure, StepRun } from '@writ/contracts';
import { editedArtifacts, extrasOf, type Ballot } from './approval-ballot';
import { isPending, outcomeOf, refusalOfVote } from './approvals';
import type { Approval, Voter } from './approvals';
import { judgedByPeople } from './ask-people';
import { Draft } from './directive-draft';
import { resolvePlan } from './directive-planning';
import { isFinal, type Directive } from './directive-state';
import { reworkAfterChecks } from './rework';
import { block, judge, pass, sendBack } from './step-outcome';

export interface CastVote extends Ballot {
  readonly commandId: string;
  readonly verb: 'approve' | 'deny' | 'answer';
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
  const refusal = refusalOfVote(approval, { by, digest, now }) ?? unfit(approval, vote);
  if (refusal !== undefined) return refuse(refusal);
  const spec = state.chain.get(approval.request.step)?.spec;
  const extras =
    decision === 'approve' ? extrasOf(approval, vote, spec, state.spec.workspace.kind) : {};
  if ('refused' in extras) return refuse(extras);
  const draft = new Draft(state, state.id);
  const said = comment === undefined ? {} : { comment };
  const data = { approvalId, decision, by: by.id, digest, ...said, ...extras };
  draft.emit({ type: 'ApprovalVoted', data });
  const outcome = outcomeOf(approval, { by: by.id, decision, edits: extras.edits });
  if (outcome !== undefined) {
    const voted = draft.state.approvals.get(approvalId) ?? approval;
    const counting = voted.votes.filter((it) => it.superseded !== true);
    const by = counting.map((it) => it.by);
    resolve(draft, voted, { decision: outcome, by, comment, now });
  }
  return draft.events;
}

/** A question is answered or denied; there is nothing that could be made again. */
function unfit({ request }: Approval, { decision, verb }: CastVote): Refusal | undefined {
  const isQuestion = request.type === 'question';
  if (isQuestion && decision === 'rework') {
    const message = `approval ${request.approvalId} is a question; answer it, or deny it`;
    return { refused: 'not_available', message };
  }
  if (!isQuestion && verb === 'answer') {
    const message = `approval ${request.approvalId} is decided with approve or deny`;
    return { refused: 'not_available', message };
  }
  return undefined;
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
    } else {
      const comment = `nobody decided until ${deadline}`;
      resolve(draft, approval, { decision: 'deny', by: [], comment, now });
    }
  }
  return draft.events;
}

interface Resolution {
  readonly decision: Decision;
  readonly by: string[];
  readonly comment: string | undefined;
  readonly now: string;
}

function resolve(draft: Draft, approval: Approval, resolution: Resolution): void {
  const { decision, by, comment } = resolution;
  const { approvalId, step, type } = approval.request;
  const reason = comment === undefined ? {} : { reason: comment };
  draft.emit({ type: 'ApprovalResolved', data: { approvalId, decision, by, ...reason } });
  if (type === 'plan_review') return resolvePlan(draft, decision, denial(resolution).message);
  if (draft.state.chain.get(step)?.status !== 'awaiting_approval') return;
  if (type === 'question') return endQuestion(draft, approval, resolution);
  if (type === 'human_check') return endCheck(draft, approval, resolution);
  if (type === 'step_review') return endReview(draft, approval, resolution);
}

const denial = ({ by, comment }: Resolution): StepFailure => {
  const who = by.length === 0 ? 'denied' : `denied by ${by.at(-1)}`;
  return { kind: 'denied', message: comment === undefined ? who : `${who}: ${comment}` };
};

function endReview(draft: Draft, approval: Approval, resolution: Resolution): void {
  const { step, run, confidence, summary, rework: asked } = approval.request;
  if (run === undefined) throw new Error(`approval ${approval.request.approvalId} has no run`);
  const { decision, comment } = resolution;
  switch (decision) {
    case 'approve': {
      const artifacts = editedArtifacts(run.artifacts, approval);
      return pass(draft, step, { ...run, artifacts }, confidence);
    }
    case 'rework': {
      const rework = asked ?? reworkAfterChecks(run, [], summary);
      const instructions = [comment, rework.instructions].filter((it) => it !== undefined);
      const told = { ...rework, instructions: instructions.join('\n\n') };
      return sendBack(draft, { step, run, confidence, rework: told });
    }
    case 'deny': {
      const failure = denial(resolution);
      return block(draft, { step, because: step, run, confidence, failure });
    }
  }
}

/** The answer is what the step makes. */
function endQuestion(draft: Draft, { request, votes, ...of }: Approval, end: Resolution): void {
  const { step, question } = request;
  const answer = votes.at(-1)?.answer;
  if (end.decision !== 'approve' || question === undefined || answer === undefined) {
    return block(draft, { step, because: step, failure: denial(end) });
  }
  const durationMs = Math.max(0, Date.parse(end.now) - Date.parse(of.requestedAt)) || 0;
  const artifacts = [{ ...answer.artifact, authoredBy: votes.at(-1)?.by ?? '' }];
  const run: StepRun = { runId: question.runId, result: 'success', artifacts, durationMs };
  pass(draft, step, run, null);
}

/** The gate decides, as after every other check. */
function endCheck(draft: Draft, { request }: Approval, end: Resolution): void {
  const { run, checks } = request;
  const step = draft.state.chain.get(request.step);
  if (run === undefined || checks === undefined || step === undefined) {
    throw new Error(`approval ${request.approvalId} has nothing that was checked`);
  }
  const { decision, by, comment } = end;
  const passed = decision === 'approve';
  const verdict = passed ? 'approved' : 'denied';
  const who = by.length === 0 ? verdict : `${verdict} by ${by.at(-1)}`;
  const said = comment === undefined ? who : `${who}: ${comment}`;
  const { thresholds } = draft.state.spec;
  judge(draft, step, { run, ...judgedByPeople(checks, passed, said, thresholds) });
}
