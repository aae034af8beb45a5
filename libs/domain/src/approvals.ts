/**
 * Approvals of a directive: what is asked, who has said what, and what that comes to. Owns the rules
 * of a decision; what becomes of the step is in `directive-progress.ts`.
 *
 * A1 A decision counts only with the digest of what it is about; another one is stale.
 * A2 Whoever may not decide is refused, and says nothing: the role, the requester, a second vote.
 * A3 One who denies, or sends back, is enough; of those who approve there have to be `quorum`.
 * A4 What is decided stays: whoever comes later is told how it was decided.
 * A5 Whoever edits what he approves makes another subject of it, with a digest of its own: those who
 *    approved before have approved something else, and count no more.
 * A6 Whoever approves ticks every item of the checklist.
 * A7 What people ask each other about it decides nothing and stops no deadline.
 */
import { hash } from 'node:crypto';
import {
  canonicalJson,
  type ApprovalDocument,
  type ApprovalEdit,
  type ApprovalEvent,
  type ApprovalEventData,
  type ApprovalQuestion,
  type ApprovalStatus,
  type Decision,
  type RecordedEvent,
  type Refusal,
} from '@writ/contracts';
import { withEntry } from './growing-map';

export interface Vote {
  readonly by: string;
  readonly decision: Decision;
  readonly comment?: string;
  readonly at: string;
  readonly ticks?: readonly number[];
  readonly edits?: readonly ApprovalEdit[];
  readonly editedDigest?: string;
  readonly answer?: ApprovalEventData<'ApprovalVoted'>['answer'];
  /** A5 */
  readonly superseded?: boolean;
}

export interface Approval {
  readonly request: ApprovalEventData<'ApprovalRequested'>;
  readonly status: ApprovalStatus;
  /** Who may decide now. */
  readonly roles: readonly string[];
  readonly votes: readonly Vote[];
  /** Absent until somebody asks. */
  readonly questions?: readonly ApprovalQuestion[];
  readonly requestedAt: string;
  /** By the time of the database. */
  readonly deadline: string | null;
  readonly escalated: boolean;
  readonly decidedAt: string | null;
}

export type Approvals = ReadonlyMap<string, Approval>;

const MINUTE_MS = 60_000;

const statusOf: Readonly<Record<Decision, ApprovalStatus>> = {
  approve: 'approved',
  deny: 'denied',
  rework: 'reworked',
};

export function evolveApprovals(
  approvals: Approvals,
  event: ApprovalEvent,
  at: RecordedEvent['recordedAt'],
): Approvals {
  const { approvalId } = event.data;
  if (event.type === 'ApprovalRequested') {
    const { policy } = event.data;
    return withEntry(approvals, approvalId, {
      ...{ request: event.data, status: 'pending', roles: policy.roles, votes: [] },
      ...{ requestedAt: at, escalated: false, decidedAt: null },
      deadline: deadlineFrom(at, policy.deadlineMinutes),
    });
  }
  const before = approvals.get(approvalId);
  if (before === undefined) throw new Error(`there is no approval ${approvalId} for ${event.type}`);
  return withEntry(approvals, approvalId, approvalAfter(before, event, at));
}

function approvalAfter(
  before: Approval,
  event: Exclude<ApprovalEvent, { type: 'ApprovalRequested' }>,
  at: string,
): Approval {
  switch (event.type) {
    case 'ApprovalVoted': {
      const { approvalId: _, digest: __, ...said } = event.data;
      const votes = said.editedDigest === undefined ? before.votes : before.votes.map(superseded);
      return { ...before, votes: [...votes, { ...said, at }] };
    }
    case 'ApprovalQuestionAsked': {
      const { question, text, by } = event.data;
      const asked = { question, text, by, at, answers: [] };
      return { ...before, questions: [...(before.questions ?? []), asked] };
    }
    case 'ApprovalQuestionAnswered': {
      const { question, text, by } = event.data;
      const questions = (before.questions ?? []).map((it) =>
        it.question === question ? { ...it, answers: [...it.answers, { text, by, at }] } : it,
      );
      return { ...before, questions };
    }
    case 'ApprovalEscalated': {
      const deadline = deadlineFrom(at, before.request.policy.deadlineMinutes);
      return { ...before, roles: event.data.roles, deadline, escalated: true };
    }
    case 'ApprovalResolved':
      return { ...before, status: statusOf[event.data.decision], decidedAt: at };
    case 'ApprovalVoided':
      return { ...before, status: 'voided', decidedAt: at };
  }
}

/** A5 */
const superseded = (vote: Vote): Vote => ({ ...vote, superseded: true });

const deadlineFrom = (at: string, minutes: number | undefined): string | null =>
  minutes === undefined || at === ''
    ? null
    : new Date(Date.parse(at) + minutes * MINUTE_MS).toISOString();

export const isPending = ({ status }: Approval): boolean => status === 'pending';

/** The first deadline of those that wait. */
export function nextDeadline(approvals: Approvals): string | null {
  const deadlines = [...approvals.values()].filter(isPending).map(({ deadline }) => deadline);
  return deadlines.filter((it) => it !== null).sort()[0] ?? null;
}

/** Of what is decided about now, with what people have edited. */
export const digestOf = ({ request, votes }: Approval): string =>
  votes.findLast(({ editedDigest }) => editedDigest !== undefined)?.editedDigest ?? request.digest;

/** What people have put in the place of what was made; of a path the latest, with who wrote it. */
export function editsOf({ votes }: Pick<Approval, 'votes'>): (ApprovalEdit & { by: string })[] {
  const latest = new Map<string, ApprovalEdit & { by: string }>();
  for (const { by, edits = [] } of votes) {
    for (const edit of edits) latest.set(edit.path, { ...edit, by });
  }
  return [...latest.values()];
}

/** Of everything that a person decides about. */
export function subjectDigest(subject: unknown): string {
  return `sha256:${hash('sha256', canonicalJson(subject))}`;
}

export interface Voter {
  readonly id: string;
  /** Undefined: the installation knows no roles, and everybody has all of them. */
  readonly roles?: readonly string[];
}

/** Why this vote does not count; undefined when it does. */
export function refusalOfVote(
  approval: Approval,
  { by, digest, now }: { readonly by: Voter; readonly digest: string; readonly now: string },
): Refusal | undefined {
  const { request, status, roles, deadline } = approval;
  const { approvalId, policy, requester } = request;
  const votes = approval.votes.filter((vote) => vote.superseded !== true);
  const current = digestOf(approval);
  if (status !== 'pending') {
    const said = votes.map((vote) => `${vote.by}: ${vote.decision}`).join(', ');
    const message = `approval ${approvalId} is ${status} already${said === '' ? '' : ` (${said})`}`;
    return { refused: 'stale', message, details: { status, votes } }; // A4
  }
  if (digest !== current) {
    const message = `what approval ${approvalId} is about has another digest: ${current}; look at it again`;
    return { refused: 'stale', message, details: { digest: current } }; // A1
  }
  if (deadline !== null && Date.parse(now) >= Date.parse(deadline)) {
    const message = `the deadline of approval ${approvalId} was ${deadline}`;
    return { refused: 'stale', message, details: { deadline } };
  }
  if (policy.excludeRequester && by.id === requester) {
    const message = `${by.id} submitted the directive, and its approvals are for others`;
    return { refused: 'not_allowed', message }; // A2
  }
  if (
    by.roles !== undefined &&
    roles.length > 0 &&
    !by.roles.some((role) => roles.includes(role))
  ) {
    const message = `approval ${approvalId} is for ${roles.join(' or ')}; ${by.id} has ${by.roles.join(', ') || 'no role'}`;
    return { refused: 'not_allowed', message, details: { roles } };
  }
  if (votes.some((vote) => vote.by === by.id)) {
    const message = `${by.id} has voted about approval ${approvalId} already`;
    return { refused: 'stale', message, details: { votes } };
  }
  return undefined;
}

/** What the votes with this one come to; undefined while more are needed (A3). */
export function outcomeOf(
  { votes, request }: Approval,
  vote: Pick<Vote, 'by' | 'decision' | 'edits'>,
): Decision | undefined {
  if (vote.decision !== 'approve') return vote.decision;
  const before = vote.edits === undefined ? votes.filter((it) => it.superseded !== true) : []; // A5
  const approving = before.filter(({ decision }) => decision === 'approve').length + 1;
  return approving >= request.policy.quorum ? 'approve' : undefined;
}

export function approvalDocument(directiveId: string, approval: Approval): ApprovalDocument {
  const { request, status, roles, votes, requestedAt, deadline, decidedAt } = approval;
  const { approvalId, type, step, run, confidence, summary, policy, requester } = request;
  const { generation = generationIn(approvalId) } = request;
  const people = request.checks?.found.filter(({ kind }) => kind === 'human');
  return {
    ...{ id: approvalId, directiveId, stepId: `${directiveId}-g${generation}-${step}` },
    ...{ stepName: step, type, digest: digestOf(approval), status, requestedAt, deadline },
    ...{ roles: [...roles], quorum: policy.quorum },
    context: {
      ...{ runId: run?.runId ?? null, summary, confidence, reworkProposed: request.reworkProposed },
      ...{ requester, requesterExcluded: policy.excludeRequester },
      ...(people === undefined ? {} : { checks: people }),
    },
    votes: votes.map(voteDocument),
    checklist: policy.checklist ?? [],
    choices: request.question?.choices ?? null,
    questions: [...(approval.questions ?? [])],
    decidedAt,
  };
}

function voteDocument(vote: Vote): ApprovalDocument['votes'][number] {
  const { by, decision, at, comment, ticks, edits, answer, superseded: over } = vote;
  return {
    ...{ by, decision, at },
    ...(comment === undefined ? {} : { comment }),
    ...(ticks === undefined ? {} : { ticks: [...ticks] }),
    ...(edits === undefined ? {} : { edits: [...edits] }),
    ...(answer === undefined ? {} : { answer: said(answer) }),
    ...(over === undefined ? {} : { superseded: over }),
  };
}

const said = ({ choice, text }: NonNullable<Vote['answer']>) => ({
  ...(choice === undefined ? {} : { choice }),
  ...(text === undefined ? {} : { text }),
});

/** Of a request that does not say it. */
const generationIn = (approvalId: string): number => Number(/-g(\d+)-/.exec(approvalId)?.[1]);
