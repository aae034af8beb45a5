/**
 * The directive aggregate in words: its events. The planner is its only writer; `domain/directive.ts`
 * decides. What it can be told is in `directive-commands.ts`.
 */
import { z } from 'zod';
import {
  Autonomy,
  Issue,
  LimitChanges,
  Limits,
  Planner,
  StepBudget,
  Thresholds,
  Workspace,
} from './directive-file';
import { Digest, DirectiveId, RunId, StepName } from './ids';
import { approvalEvents } from './approval';
import { ApprovalPolicy } from './approval-policy';
import { Adapter, Retry, StepInput } from './adapter';
import { Verify } from './check';
import { Confidence } from './evaluation';
import { Rework, RunError, StepRun, Usage } from './run';
import { Amendments } from './directive-commands';

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
