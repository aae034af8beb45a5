/**
 * The directive aggregate in words: its commands and its events. The planner is its only writer;
 * `domain/directive.ts` decides.
 */
import { z } from 'zod';
import { Adapter, Retry, StepInput } from './adapter';
import { Verify } from './check';
import {
  Autonomy,
  DirectiveFile,
  Issue,
  LimitChanges,
  Limits,
  Planner,
  Reason,
  StepBudget,
  StepSpec,
  Thresholds,
  Workspace,
} from './directive-file';
import { Digest, DirectiveId, RunId, StepName } from './ids';
import { Confidence } from './evaluation';
import { ApprovalEdit, ApprovalId, approvalEvents } from './approval';
import { ApprovalPolicy } from './approval-policy';
import { Rework, RunError, StepRun, Usage } from './run';

/** What may be told of a directive as a whole. */
export const lifeVerbs = ['start', 'pause', 'resume', 'stop', 'archive'] as const;
export type LifeVerb = (typeof lifeVerbs)[number];
/** What changes a directive that is there, its chain or a step of it. */
export const changeVerbs = [
  'amend',
  'raise-limit',
  'replan',
  'submit-plan',
  'add-step',
  'update-step',
  'remove-step',
  'skip-step',
  'retry-step',
  'rollback',
] as const;
export type ChangeVerb = (typeof changeVerbs)[number];
/** What is told to one directive by `POST /v1/directives/{id}/commands`. */
export const toldVerbs = [...lifeVerbs, ...changeVerbs] as const;
export type ToldVerb = LifeVerb | ChangeVerb;
/** About one approval of a directive. */
export const approvalVerbs = ['approve', 'deny', 'ask', 'answer'] as const;
export const directiveVerbs = ['create', 'fork', ...toldVerbs, ...approvalVerbs] as const;
export type DirectiveVerb = (typeof directiveVerbs)[number];

const onDirective = { directiveId: DirectiveId };
const reason = Reason.optional();
const Words = DirectiveFile.shape.goal;
const decision = {
  ...onDirective,
  approvalId: ApprovalId,
  /** Of what was seen: another one is refused. */
  digest: Digest,
  comment: Reason.optional(),
};

/** Parts of a directive that may change while it lives; what is not named stays. */
export const Amendments = z
  .strictObject({
    title: DirectiveFile.shape.title,
    goal: DirectiveFile.shape.goal,
    requirements: DirectiveFile.shape.requirements.unwrap(),
    acceptanceCriteria: DirectiveFile.shape.acceptanceCriteria.unwrap(),
    constraints: DirectiveFile.shape.constraints.unwrap(),
    autonomy: Autonomy,
    thresholds: Thresholds,
    limits: LimitChanges,
    approvals: ApprovalPolicy,
  })
  .partial();
export type Amendments = z.infer<typeof Amendments>;
const chain = DirectiveFile.shape.chain;

/** The data of a command message, by verb: `writ.command.directive.<verb>`. */
export const directiveCommands = {
  create: z.strictObject({
    /** Default: made from the command id, so that a repeated create makes one directive. */
    directiveId: DirectiveId.optional(),
    directive: DirectiveFile,
    /** Start at once. */
    start: z.boolean().default(true),
  }),
  /** Another directive that begins where one stood: see `DirectiveCreated.fork`. */
  fork: z.strictObject({
    directiveId: DirectiveId.optional(),
    from: DirectiveId,
    /** Position in the log; default: where it stands now. */
    at: z.number().int().min(1).optional(),
    changes: Amendments.optional(),
    chain,
    start: z.boolean().default(true),
  }),
  start: z.strictObject(onDirective),
  /** `drain`, unless it says otherwise: what runs may end. `cut`: it is cancelled, and runs again after a resume. */
  pause: z.strictObject({ ...onDirective, reason, mode: z.enum(['drain', 'cut']).optional() }),
  resume: z.strictObject(onDirective),
  stop: z.strictObject({ ...onDirective, reason }),
  archive: z.strictObject(onDirective),
  amend: z.strictObject({ ...onDirective, changes: Amendments, reason }),
  'raise-limit': z.strictObject({ ...onDirective, limits: LimitChanges, reason }),
  /** With a chain: that one. Without: by the planner of the directive. */
  replan: z.strictObject({ ...onDirective, chain, reason }),
  /** With a chain: whole. Without: as it was built by `add-step` while planning. */
  'submit-plan': z.strictObject({ ...onDirective, chain, rationale: Reason.optional() }),
  'add-step': z.strictObject({ ...onDirective, step: StepSpec }),
  /** Takes the place of the step of this name. */
  'update-step': z.strictObject({ ...onDirective, step: StepSpec }),
  'remove-step': z.strictObject({ ...onDirective, step: StepName }),
  'skip-step': z.strictObject({ ...onDirective, step: StepName, reason }),
  'retry-step': z.strictObject({ ...onDirective, step: StepName, reason }),
  rollback: z.strictObject({ ...onDirective, step: StepName, reason }),
  approve: z.strictObject({
    ...decision,
    /** Every item of the checklist, from 1. */
    ticks: z.union([z.literal('all'), z.array(z.number().int().min(1)).max(50)]).optional(),
    /** In the place of what the run made. */
    edits: z.array(ApprovalEdit).min(1).max(100).optional(),
  }),
  /** `rework`: the step is to run again with the comment, instead of ending here. */
  deny: z.strictObject({ ...decision, rework: z.boolean().default(false) }),
  /** About an approval that waits; it decides nothing. */
  ask: z.strictObject({ ...onDirective, approvalId: ApprovalId, question: Words }),
  /** What was asked about an approval; or, with the digest, the question that a step is. */
  answer: z.strictObject({
    ...onDirective,
    approvalId: ApprovalId,
    digest: Digest.optional(),
    choice: Words.optional(),
    text: Words.optional(),
    /** Which one, from 1; default: the first without an answer. */
    question: z.number().int().min(1).optional(),
  }),
} as const satisfies Record<DirectiveVerb, z.ZodType>;
export type DirectiveCommandData<V extends DirectiveVerb> = z.infer<(typeof directiveCommands)[V]>;

/** The run that plans is one of a step of this name, which no chain has. */
export const PLAN_STEP = 'writ-plan';

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
  budget: StepBudget.optional(),
  group: z.string().optional(),
  concurrencyKey: z.string().optional(),
});
export type PlannedStep = z.infer<typeof PlannedStep>;

export const CriterionResult = z.object({
  id: z.string(),
  /** null: no step names the criterion, so nothing speaks for or against it. */
  met: z.boolean().nullable(),
  evidence: z.array(
    z.object({
      step: z.string(),
      runId: z.string(),
      /** The step's checks that speak for it. Shown, not stored: it is in the evaluation. */
      checks: z.array(z.string()).optional(),
    }),
  ),
});
export type CriterionResult = z.infer<typeof CriterionResult>;

export const StepFailure = z.object({
  kind: z.enum(['run', 'verification', 'merge_conflict', 'workspace', 'denied']),
  message: z.string(),
  error: RunError.optional(),
  paths: z.array(z.string()).optional(),
});
export type StepFailure = z.infer<typeof StepFailure>;

export const SuspensionKind = z.enum([
  'budget',
  'time',
  'rework',
  'regenerations',
  'failed_steps',
  'provider',
  'policy',
]);
export type SuspensionKind = z.infer<typeof SuspensionKind>;

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
    planner: Planner,
    approvals: ApprovalPolicy.optional(),
    /** The chain as submitted, with the variables replaced. */
    steps: z.array(PlannedStep),
    /** It begins where another one stood: with the steps that had passed there, and what they made. */
    fork: z
      .object({
        from: DirectiveId,
        /** Position in the log. */
        at: z.number().int(),
        kept: z.array(
          z.object({
            step: StepName,
            skipped: z.boolean().optional(),
            attempt: z.number().int(),
            run: StepRun.optional(),
            confidence: Confidence.nullable(),
          }),
        ),
      })
      .optional(),
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
    /** Against the chain before it, by names of steps; a kept one stays passed. */
    changes: z
      .object({
        kept: z.array(StepName),
        changed: z.array(StepName),
        added: z.array(StepName),
        dropped: z.array(StepName),
      })
      .optional(),
    reason: z.string().optional(),
  }),
  /** A plan is due: from a run of the planner's adapter, or from whoever submits one. */
  PlanningStarted: z.object({
    /** Of the chain that it leads to. */
    generation: z.number().int(),
    attempt: z.number().int(),
    runId: RunId.optional(),
    /** What was wrong with the plan before. */
    issues: z.array(Issue).optional(),
    reason: z.string().optional(),
  }),
  PlanSubmitted: z.object({
    generation: z.number().int(),
    strategy: z.string(),
    steps: z.array(PlannedStep),
    rationale: z.string().optional(),
    /** Of all that is approved with it. */
    digest: Digest,
    runId: RunId.optional(),
  }),
  PlanRejected: z.object({
    generation: z.number().int(),
    attempt: z.number().int(),
    issues: z.array(Issue),
    runId: RunId.optional(),
    /** No other is asked for: the chain before it goes on. */
    final: z.boolean().optional(),
  }),
  /** No plan came of it: the chain that is always possible is carried out instead. */
  PlanFellBack: z.object({ generation: z.number().int(), reason: z.string() }),
  StepStarted: z.object({
    step: StepName,
    runId: RunId,
    attempt: z.number().int(),
    /** Of the budget, until it is known what it cost. */
    reserved: StepBudget.optional(),
  }),
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
  /** `again`: only its run; the step starts anew when the directive goes on. */
  StepCancelled: z.object({ step: StepName, runId: RunId, again: z.boolean().optional() }),
  /** Its run ended because the provider is in trouble; it is no failure, and runs again. */
  StepPostponed: z.object({ step: StepName, run: StepRun, error: RunError, provider: z.string() }),
  StepSkipped: z.object({ step: StepName, reason: z.string().optional() }),
  /** It is to run again, or can run after all; what it made before counts no more. */
  StepReopened: z.object({ step: StepName, because: StepName, reason: z.string().optional() }),
  StepAdded: z.object({ spec: PlannedStep }),
  StepUpdated: z.object({ spec: PlannedStep }),
  StepRemoved: z.object({ step: StepName }),
  /** The directive's branch is on its way back. */
  RollbackStarted: z.object({
    rollbackId: z.string(),
    step: StepName,
    /** Those that go back, in the order of the chain. */
    steps: z.array(StepName),
    from: z.string(),
    to: z.string(),
    reason: z.string().optional(),
  }),
  /** Before the step again; its steps are reopened with it. Without a branch nothing had to move. */
  RolledBack: z.object({
    rollbackId: z.string(),
    step: StepName,
    steps: z.array(StepName),
    to: z.string().optional(),
    /** The ref that keeps what was there. */
    kept: z.string().optional(),
    reason: z.string().optional(),
  }),
  RollbackRefused: z.object({ rollbackId: z.string(), code: z.string(), message: z.string() }),
  /** A run of a chain that is no more has ended; it changes nothing. */
  RunOrphaned: z.object({ runId: RunId, result: z.string() }),
  /**
   * What a run has used, once for each that has used something: as soon as its end is heard of,
   * whatever becomes of its step, and even when the directive has ended before it.
   */
  BudgetSettled: z.object({
    step: StepName,
    attempt: z.number().int(),
    runId: RunId,
    usage: Usage,
  }),
  /** So much of a limit is spent; said once for each limit. */
  BudgetMarked: z.object({
    of: z.enum(['cost', 'tokens']),
    percent: z.number().int(),
    spent: z.number(),
    limit: z.number(),
  }),
  ...approvalEvents,
  DirectivePaused: z.object({
    reason: z.string().optional(),
    mode: z.enum(['drain', 'cut']).optional(),
  }),
  /** A limit, or trouble that no step is to blame for. `wayOut` tells how it goes on. */
  DirectiveSuspended: z.object({
    kind: SuspensionKind,
    reason: z.string(),
    wayOut: z.string(),
    /** Of a provider in trouble: which one, and when it is tried again; absent: when a person asks. */
    provider: z.string().optional(),
    retryAfterMs: z.number().int().optional(),
  }),
  DirectiveAmended: z.object({
    set: Amendments,
    /** The difference, for people: JSON pointers with what stood there and what stands there now. */
    changes: z.array(z.object({ path: z.string(), from: z.unknown(), to: z.unknown() })),
    reason: z.string().optional(),
  }),
  LimitsRaised: z.object({ limits: LimitChanges, reason: z.string().optional() }),
  /** `probe`: with one step of the provider that was in trouble, until it is known how that ends. */
  DirectiveResumed: z.object({ probe: z.boolean().optional() }),
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
