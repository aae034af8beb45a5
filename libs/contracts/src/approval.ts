/** Approvals: what a person is asked, bound to the digest of what is shown, and what was decided. */
import { z } from 'zod';
import { ApprovalPolicy, Role } from './approval-policy';
import { Confidence } from './evaluation';
import { Digest, DirectiveId, RunId, StepName } from './ids';
import { Rework, StepRun } from './run';

export const approvalIdOf = (runId: string) => `${runId}-review`;
export const ApprovalId = z
  .string()
  .regex(/^[a-z0-9]{16}-g\d{1,6}-[a-z0-9-]{1,64}-a\d{1,6}-review$/, 'is not an approval id');

/**
 * `step_review`: what a run made. `plan_review`: a chain, before its first step. `question`: a step
 * that is an answer. `human_check`: a check of a run that a person is.
 */
export const ApprovalType = z.enum(['step_review', 'plan_review', 'question', 'human_check']);
export type ApprovalType = z.infer<typeof ApprovalType>;

export const Decision = z.enum(['approve', 'deny', 'rework']);
export type Decision = z.infer<typeof Decision>;

export const ApprovalStatus = z.enum(['pending', 'approved', 'denied', 'reworked', 'voided']);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

/** Stored form: never rename; add a version. */
export const approvalEvents = {
  ApprovalRequested: z.object({
    approvalId: ApprovalId,
    type: ApprovalType,
    /** Of the chain; its id tells where it is absent, in what was asked by earlier versions. */
    generation: z.number().int().optional(),
    step: StepName,
    /** What is judged; a plan and a question have none. */
    run: StepRun.optional(),
    confidence: Confidence.nullable(),
    /** Of everything that is decided about. */
    digest: Digest,
    summary: z.string(),
    /** What the step is told when it is sent back. */
    rework: Rework.optional(),
    /** The checks were red: to run it again is what is proposed. */
    reworkProposed: z.boolean(),
    policy: ApprovalPolicy,
    /** Of the directive. */
    requester: z.string(),
  }),
  ApprovalVoted: z.object({
    approvalId: ApprovalId,
    decision: Decision,
    by: z.string(),
    digest: Digest,
    comment: z.string().optional(),
  }),
  ApprovalEscalated: z.object({ approvalId: ApprovalId, roles: z.array(Role) }),
  ApprovalResolved: z.object({
    approvalId: ApprovalId,
    decision: Decision,
    /** Nobody when the deadline was over. */
    by: z.array(z.string()),
    reason: z.string().optional(),
  }),
  /** What it was about is no more. */
  ApprovalVoided: z.object({ approvalId: ApprovalId, reason: z.string() }),
} as const;
export type ApprovalEventType = keyof typeof approvalEvents;
export type ApprovalEventData<T extends ApprovalEventType> = z.infer<(typeof approvalEvents)[T]>;
export type ApprovalEvent = {
  [T in ApprovalEventType]: { readonly type: T; readonly data: ApprovalEventData<T> };
}[ApprovalEventType];

/** `writ approvals`: a contract with users (FORMATS). */
export const ApprovalDocument = z.object({
  id: ApprovalId,
  directiveId: DirectiveId,
  stepId: z.string(),
  stepName: StepName,
  type: z.string(),
  digest: Digest,
  status: ApprovalStatus,
  requestedAt: z.string(),
  deadline: z.string().nullable(),
  roles: z.array(z.string()),
  quorum: z.number().int(),
  context: z.object({
    runId: RunId.nullable(),
    summary: z.string(),
    confidence: Confidence.nullable(),
    reworkProposed: z.boolean(),
    requester: z.string(),
    requesterExcluded: z.boolean(),
  }),
  votes: z.array(
    z.object({
      by: z.string(),
      decision: Decision,
      comment: z.string().optional(),
      at: z.string(),
    }),
  ),
  decidedAt: z.string().nullable(),
});
export type ApprovalDocument = z.infer<typeof ApprovalDocument>;
