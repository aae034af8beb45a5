/**
 * The directive aggregate in words: its commands and its events. The planner is its only writer;
 * `domain/directive.ts` decides.
 */
import { z } from 'zod';
import { Adapter, Retry, StepInput, Verify } from './adapter';
import { Autonomy, DirectiveFile, Limits, Reason, Thresholds, Workspace } from './directive-file';
import { Digest, DirectiveId, RunId, StepName } from './ids';
import { Confidence } from './evaluation';
import { ApprovalId, approvalEvents } from './approval';
import { ApprovalPolicy } from './approval-policy';
import { Rework, RunError, StepRun } from './run';

/** What may be told of a directive as a whole. */
export const lifeVerbs = ['start', 'pause', 'resume', 'stop', 'archive'] as const;
export type LifeVerb = (typeof lifeVerbs)[number];
export const directiveVerbs = ['create', ...lifeVerbs, 'approve', 'deny'] as const;
export type DirectiveVerb = (typeof directiveVerbs)[number];

const onDirective = { directiveId: DirectiveId };
const reason = Reason.optional();
const decision = {
  ...onDirective,
  approvalId: ApprovalId,
  /** Of what was seen: another one is refused. */
  digest: Digest,
  comment: Reason.optional(),
};

/** The data of a command message, by verb: `writ.command.directive.<verb>`. */
export const directiveCommands = {
  create: z.strictObject({
    /** Default: made from the command id, so that a repeated create makes one directive. */
    directiveId: DirectiveId.optional(),
    directive: DirectiveFile,
    /** Start at once. */
    start: z.boolean().default(true),
  }),
  start: z.strictObject(onDirective),
  pause: z.strictObject({ ...onDirective, reason }),
  resume: z.strictObject(onDirective),
  stop: z.strictObject({ ...onDirective, reason }),
  archive: z.strictObject(onDirective),
  approve: z.strictObject(decision),
  /** `rework`: the step is to run again with the comment, instead of ending here. */
  deny: z.strictObject({ ...decision, rework: z.boolean().default(false) }),
} as const satisfies Record<DirectiveVerb, z.ZodType>;
export type DirectiveCommandData<V extends DirectiveVerb> = z.infer<(typeof directiveCommands)[V]>;

/** A step as planned: everything decided, every variable of the directive replaced. */
export const PlannedStep = z.object({
  name: StepName,
  type: z.string(),
  description: z.string(),
  dependsOn: z.array(StepName),
  requirementIds: z.array(z.string()),
  acceptanceCriteriaIds: z.array(z.string()),
  adapter: Adapter,
  timeoutMs: z.number(),
  retry: Retry,
  idempotent: z.boolean(),
  cache: z.boolean(),
  inputs: z.array(StepInput),
  outputs: z.array(z.string()),
  verify: Verify.optional(),
});
export type PlannedStep = z.infer<typeof PlannedStep>;

export const CriterionResult = z.object({
  id: z.string(),
  /** null: no step names the criterion, so nothing speaks for or against it. */
  met: z.boolean().nullable(),
  evidence: z.array(z.object({ step: z.string(), runId: z.string() })),
});
export type CriterionResult = z.infer<typeof CriterionResult>;

export const StepFailure = z.object({
  kind: z.enum(['run', 'verification', 'merge_conflict', 'workspace', 'denied']),
  message: z.string(),
  error: RunError.optional(),
  paths: z.array(z.string()).optional(),
});
export type StepFailure = z.infer<typeof StepFailure>;

/**
 * Stored form: never rename a member or change its meaning; add a version instead, with an upcaster
 * and a golden sample.
 */
export const directiveEvents = {
  DirectiveCreated: z.object({
    title: z.string(),
    goal: z.string(),
    requirements: z.array(z.object({ id: z.string(), description: z.string() })),
    acceptanceCriteria: z.array(z.object({ id: z.string(), criterion: z.string() })),
    constraints: z.array(z.string()),
    autonomy: Autonomy,
    thresholds: Thresholds,
    limits: Limits,
    workspace: Workspace,
    variables: z.record(z.string(), z.string()),
    planner: z.object({ kind: z.string() }),
    approvals: ApprovalPolicy.optional(),
    /** The chain as submitted, with the variables replaced. */
    steps: z.array(PlannedStep),
    /** Digest of the command's content: the same command id with other content is refused. */
    contentDigest: Digest,
  }),
  DirectiveStarted: z.object({}),
  WorkspaceReady: z.object({
    branch: z.string().optional(),
    baseCommit: z.string().optional(),
    /** The repository's top folder, or the directory, as the executor found it. */
    path: z.string(),
  }),
  ChainActivated: z.object({
    generation: z.number().int(),
    strategy: z.string(),
    steps: z.array(PlannedStep),
  }),
  StepStarted: z.object({ step: StepName, runId: RunId, attempt: z.number().int() }),
  StepEvaluating: z.object({ step: StepName, run: StepRun }),
  StepMerging: z.object({
    step: StepName,
    run: StepRun,
    confidence: Confidence.nullable(),
  }),
  StepPassed: z.object({
    step: StepName,
    run: StepRun,
    confidence: Confidence.nullable(),
    /** Head of the directive's branch after the step was merged. */
    commit: z.string().optional(),
  }),
  /** It runs again, as the next attempt, as soon as there is room. */
  StepReworkRequested: z.object({
    step: StepName,
    run: StepRun,
    confidence: Confidence.nullable(),
    rework: Rework,
  }),
  StepFailed: z.object({
    step: StepName,
    run: StepRun,
    confidence: Confidence.nullable(),
    failure: StepFailure,
  }),
  /**
   * It can never start, because of a step that it depends on; or its own result was not good enough
   * and nothing is left to be tried, `because` being itself.
   */
  StepBlocked: z.object({
    step: StepName,
    because: StepName,
    run: StepRun.optional(),
    confidence: Confidence.nullable().optional(),
    failure: StepFailure.optional(),
  }),
  StepCancelled: z.object({ step: StepName, runId: RunId }),
  ...approvalEvents,
  DirectivePaused: z.object({ reason: z.string().optional() }),
  DirectiveResumed: z.object({}),
  DirectiveStopped: z.object({ reason: z.string().optional() }),
  DirectiveCompleted: z.object({
    criteria: z.array(CriterionResult),
    commit: z.string().optional(),
  }),
  DirectiveFailed: z.object({ reason: z.string(), failedSteps: z.array(StepName) }),
  DirectiveArchived: z.object({}),
  /** Kept so that a repeated command gets its first answer again. */
  CommandRefused: z.object({
    verb: z.string(),
    code: z.string(),
    message: z.string(),
    details: z.unknown().optional(),
  }),
} as const;

export type DirectiveEventType = keyof typeof directiveEvents;
export type DirectiveEventData<T extends DirectiveEventType> = z.infer<(typeof directiveEvents)[T]>;
export type DirectiveEvent = {
  [T in DirectiveEventType]: { readonly type: T; readonly data: DirectiveEventData<T> };
}[DirectiveEventType];
