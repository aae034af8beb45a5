/** The evaluation aggregate: one for each run that has checks. The verifier is its only writer. */
import { z } from 'zod';
import { StepInput } from './adapter';
import { Check, DetectedWhat } from './check';
import { Thresholds, Workspace } from './directive-file';
import { Digest, DirectiveId, RunId, StepName } from './ids';
import { ArtifactRef } from './run';

export const ConfidenceLevel = z.enum(['green', 'yellow', 'red', 'unknown']);
export type ConfidenceLevel = z.infer<typeof ConfidenceLevel>;

export const Confidence = z.object({
  /** 0 to 1; null where no check gave one. */
  score: z.number().min(0).max(1).nullable(),
  level: ConfidenceLevel,
});
export type Confidence = z.infer<typeof Confidence>;

export const CheckResult = z.object({
  name: z.string(),
  kind: z.string(),
  /** `error`: the check could not run; that says nothing about the step. */
  outcome: z.enum(['passed', 'failed', 'error']),
  required: z.boolean(),
  weight: z.number(),
  message: z.string(),
  argv: z.array(z.string()).optional(),
  exitCode: z.number().int().nullable().optional(),
  signal: z.string().optional(),
  durationMs: z.number(),
  /** The check's output, in the content store. */
  logDigest: Digest.optional(),
  /** The last lines of it, for people. */
  tail: z.string().optional(),
  sandbox: z.string().optional(),
  acceptanceCriteriaIds: z.array(z.string()).optional(),
  /** Of a check that nobody wrote: which file asks for it, and what it stands for. */
  detected: z.object({ by: z.string(), what: DetectedWhat }).optional(),
});
export type CheckResult = z.infer<typeof CheckResult>;

/** `writ.evaluate.run` */
export const EvaluateWork = z.object({
  runId: RunId,
  directiveId: DirectiveId,
  step: StepName,
  checks: z.array(Check),
  thresholds: Thresholds,
  workspace: Workspace,
  /** The repository or directory as the executor found it; absent without a workspace. */
  workspacePath: z.string().optional(),
  /** The run's candidate commit, in a git workspace. */
  commit: z.string().optional(),
  artifacts: z.array(ArtifactRef),
  /** The step's inputs: `${inputs}` in a check's argv and environment names their folder. */
  inputs: z.array(StepInput),
  acceptanceCriteriaIds: z.array(z.string()),
  /** What the criteria that the step or its checks name say; programs find it as WRIT_CRITERIA. */
  criteria: z.array(z.object({ id: z.string(), criterion: z.string() })).optional(),
});
export type EvaluateWork = z.infer<typeof EvaluateWork>;

/** Stored form: never rename; add a version. */
export const evaluationEvents = {
  EvaluationCompleted: z.object({
    runId: RunId,
    directiveId: DirectiveId,
    step: StepName,
    checks: z.array(CheckResult),
    confidence: Confidence,
    summary: z.string(),
    durationMs: z.number(),
  }),
} as const;
export type EvaluationCompleted = z.infer<typeof evaluationEvents.EvaluationCompleted>;
export type EvaluationEvent = { readonly type: 'EvaluationCompleted'; data: EvaluationCompleted };
