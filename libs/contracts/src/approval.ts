/** Approvals: what a person is asked, bound to the digest of what is shown, and what was decided. */
import { z } from 'zod';
import { ApprovalPolicy, Role } from './approval-policy';
import { CheckResult, Confidence } from './evaluation';
import { WorkspacePath } from './adapter';
import { Digest, DirectiveId, RunId, StepName } from './ids';
import { ArtifactRef, Rework, StepRun } from './run';

export const approvalIdOf = (runId: string) => `${runId}-review`;
export const humanCheckIdOf = (runId: string) => `${runId}-check`;
export const ApprovalId = z
  .string()
  .regex(
    /^[a-z0-9]{16}-g\d{1,6}-[a-z0-9-]{1,64}-a\d{1,6}-(review|check)$/,
    'is not an approval id',
  );

/**
 * `step_review`: what a run made. `plan_review`: a chain, before its first step. `question`: a step
 * that is an answer. `human_check`: a check of a run that a person is.
 */
export const ApprovalType = z.enum(['step_review', 'plan_review', 'question', 'human_check']);
export type ApprovalType = z.infer<typeof ApprovalType>;

export const Decision = z.enum(['approve', 'deny', 'rework']);
export type Decision = z.infer<typeof Decision>;

/** A file that whoever approves has put in the place of what the run made. */
export const ApprovalEdit = z.strictObject({
  path: WorkspacePath,
  digest: Digest,
  bytes: z.number().int().min(0),
});
export type ApprovalEdit = z.infer<typeof ApprovalEdit>;

/** What a person says to a question: one of its choices, or words. */
export const HumanAnswer = z.object({ choice: z.string().optional(), text: z.string().optional() });
export type HumanAnswer = z.infer<typeof HumanAnswer>;

export const ApprovalStatus = z.enum(['pending', 'approved', 'denied', 'reworked', 'voided']);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

/** A check that a person is asked about. */
export const OpenCheck = CheckResult.pick({
  name: true,
  required: true,
  weight: true,
  acceptanceCriteriaIds: true,
}).extend({ question: z.string() });
export type OpenCheck = z.infer<typeof OpenCheck>;

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
    /** Of a `question`: the step's run, which is nothing but the answer. */
    question: z
      .object({
        runId: RunId,
        attempt: z.number().int(),
        text: z.string(),
        choices: z.array(z.string()).optional(),
      })
      .optional(),
    /** Where people check: what was found so far, and what is still to be checked. */
    checks: z.object({ found: z.array(CheckResult), open: z.array(OpenCheck) }).optional(),
  }),
  ApprovalVoted: z.object({
    approvalId: ApprovalId,
    decision: Decision,
    by: z.string(),
    digest: Digest,
    comment: z.string().optional(),
    /** Items of the checklist, from 1. */
    ticks: z.array(z.number().int()).optional(),
    edits: z.array(ApprovalEdit).optional(),
    /** Of what the edits make of it; who approved before it has approved something else. */
    editedDigest: Digest.optional(),
    /** To a `question`; `artifact` holds it in the content store. */
    answer: HumanAnswer.extend({ artifact: ArtifactRef }).optional(),
  }),
  /** It decides nothing, and no deadline waits for it. */
  ApprovalQuestionAsked: z.object({
    approvalId: ApprovalId,
    /** From 1. */
    question: z.number().int(),
    text: z.string(),
    by: z.string(),
  }),
  ApprovalQuestionAnswered: z.object({
    approvalId: ApprovalId,
    question: z.number().int(),
    text: z.string(),
    by: z.string(),
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

export const ApprovalQuestion = z.object({
  question: z.number().int(),
  text: z.string(),
  by: z.string(),
  at: z.string(),
  answers: z.array(z.object({ text: z.string(), by: z.string(), at: z.string() })),
});
export type ApprovalQuestion = z.infer<typeof ApprovalQuestion>;

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
    /** Those that people have carried out; the others are in the evaluation of the run. */
    checks: z.array(CheckResult).optional(),
  }),
  votes: z.array(
    z.object({
      by: z.string(),
      decision: Decision,
      comment: z.string().optional(),
      at: z.string(),
      ticks: z.array(z.number().int()).optional(),
      edits: z.array(ApprovalEdit).optional(),
      answer: HumanAnswer.optional(),
      /** What it was about has been edited since: it counts no more. */
      superseded: z.boolean().optional(),
    }),
  ),
  /** What whoever approves has to tick. */
  checklist: z.array(z.string()),
  /** Of a `question`. */
  choices: z.array(z.string()).nullable(),
  /** What people asked each other about it. */
  questions: z.array(ApprovalQuestion),
  decidedAt: z.string().nullable(),
});
export type ApprovalDocument = z.infer<typeof ApprovalDocument>;
