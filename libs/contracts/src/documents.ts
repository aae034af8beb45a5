/** What queries answer and the command line prints as JSON: a contract with users (FORMATS). */
import { z } from 'zod';
import { ApprovalDocument } from './approval';
import { CriterionResult, PlannedStep, SuspensionKind } from './directive';
import { CheckResult, Confidence } from './evaluation';
import { Digest } from './ids';
import {
  ArtifactRef,
  AttemptRecord,
  InputBundle,
  RunError,
  RunResult,
  StageRecord,
  Usage,
} from './run';

export const directiveStatuses = [
  'draft',
  'planning',
  'awaiting_approval',
  'active',
  'paused',
  'suspended',
  'completed',
  'failed',
  'stopped',
  'archived',
] as const;
export const DirectiveStatus = z.enum(directiveStatuses);
export type DirectiveStatus = z.infer<typeof DirectiveStatus>;
export const finalStatuses: readonly DirectiveStatus[] = [
  'completed',
  'failed',
  'stopped',
  'archived',
];

export const stepStatuses = [
  'pending',
  'running',
  'evaluating',
  'merging',
  'rework',
  'awaiting_approval',
  'passed',
  'stale',
  'skipped',
  'failed',
  'blocked',
  'cancelled',
] as const;
export const StepStatus = z.enum(stepStatuses);
export type StepStatus = z.infer<typeof StepStatus>;

/** One check of a step's run, as what it shows. */
export const EvidenceDocument = z.object({
  check: z.string(),
  kind: z.string(),
  outcome: CheckResult.shape.outcome,
  /** The criteria that it speaks for. */
  criteria: z.array(z.string()),
  /** The run that was judged: of a step taken from the cache, the one that did the work. */
  runId: z.string(),
  logDigest: Digest.optional(),
});
export type EvidenceDocument = z.infer<typeof EvidenceDocument>;

export const StepDocument = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  status: StepStatus,
  dependsOn: z.array(z.string()),
  attempt: z.number().int(),
  runId: z.string().nullable(),
  runStatus: z.string().nullable(),
  confidence: Confidence.nullable(),
  startedAt: z.string().nullable(),
  completedAt: z.string().nullable(),
  artifacts: z.array(ArtifactRef),
  /** Why it failed or is blocked. */
  reason: z.string().optional(),
  /** Of `show`: what its checks found. */
  evidence: z.array(EvidenceDocument).optional(),
});
export type StepDocument = z.infer<typeof StepDocument>;

export const DirectiveSummary = z.object({
  id: z.string(),
  title: z.string(),
  status: DirectiveStatus,
  reason: z.string().optional(),
  generation: z.number().int(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  completedAt: z.string().nullable(),
  costUsd: z.number(),
  version: z.number().int(),
  position: z.number().int(),
  /** Those that wait, and those that were decided, the oldest first. */
  approvals: z.array(ApprovalDocument),
  criteria: z.array(CriterionResult),
  workspace: z.object({ branch: z.string().nullable(), commit: z.string().nullable() }),
});
export type DirectiveSummary = z.infer<typeof DirectiveSummary>;

const Amount = z.object({ costUsd: z.number(), tokens: z.number().int() });

/** What was reserved for one attempt of a step, and what it has spent: null until that is known. */
export const LedgerEntry = z.object({
  step: z.string(),
  attempt: z.number().int(),
  runId: z.string(),
  reserved: Amount,
  spent: Amount.nullable(),
});
export type LedgerEntry = z.infer<typeof LedgerEntry>;

export const BudgetDocument = z.object({
  /** Null: no limit. */
  limitUsd: z.number().nullable(),
  spentUsd: z.number(),
  reservedUsd: z.number(),
  limitTokens: z.number().int().nullable(),
  spentTokens: z.number().int(),
  reservedTokens: z.number().int(),
  /** Those for which something was reserved or spent, the oldest first, those under way last. */
  attempts: z.array(LedgerEntry),
});
export type BudgetDocument = z.infer<typeof BudgetDocument>;

export const DirectiveDocument = DirectiveSummary.extend({
  goal: z.string(),
  steps: z.array(StepDocument),
  /** Of one that has a limit of its budget, or has spent something. */
  budget: BudgetDocument.optional(),
  /** Of a suspended one: what it was suspended for, and how it goes on. */
  suspension: z
    .object({
      kind: SuspensionKind,
      reason: z.string(),
      wayOut: z.string(),
      since: z.string(),
      /** Which provider is in trouble, and so long after `since` it is tried again. */
      provider: z.string().optional(),
      retryAfterMs: z.number().optional(),
    })
    .optional(),
  /** The plan that waits for a decision. */
  plan: z
    .object({
      generation: z.number().int(),
      strategy: z.string(),
      digest: Digest,
      rationale: z.string().optional(),
      steps: z.array(PlannedStep),
    })
    .optional(),
  /** Of `show`: each requirement with the steps that work on it. */
  requirements: z
    .array(
      z.object({
        id: z.string(),
        description: z.string(),
        steps: z.array(z.object({ name: z.string(), status: StepStatus })),
      }),
    )
    .optional(),
});
export type DirectiveDocument = z.infer<typeof DirectiveDocument>;

/** `writ run-info` */
export const RunDocument = z.object({
  runId: z.string(),
  directiveId: z.string(),
  step: z.string(),
  attempt: z.number().int(),
  status: z.enum(['pending', 'analysis', 'compilation', 'processing', 'complete']),
  result: RunResult.nullable(),
  error: RunError.nullable(),
  claim: z.number().int(),
  executorId: z.string().nullable(),
  adapter: z.object({ kind: z.string(), version: z.string() }).nullable(),
  sandbox: z.string().nullable(),
  bundle: InputBundle.nullable(),
  stages: z.array(StageRecord),
  attempts: z.array(AttemptRecord),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  artifacts: z.array(ArtifactRef),
  usage: Usage.nullable(),
  durationMs: z.number().nullable(),
  transcript: z.string().nullable(),
  stdout: z.string().nullable(),
  stderr: z.string().nullable(),
  commit: z.string().nullable(),
  /** What it changed in a git workspace, in the content store. */
  diff: z.string().nullable(),
  sourceRunId: z.string().nullable(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});
export type RunDocument = z.infer<typeof RunDocument>;

/** Each state has a sign of its own, beside its word: colour alone says nothing. */
export const statusSigns: Readonly<Record<string, string>> = {
  draft: '○',
  pending: '○',
  planning: '◔',
  active: '▶',
  running: '▶',
  evaluating: '◑',
  merging: '◕',
  rework: '↻',
  awaiting_approval: '◇',
  paused: '‖',
  suspended: '⊝',
  completed: '✓',
  passed: '✓',
  stale: '◌',
  skipped: '»',
  failed: '✗',
  blocked: '⊘',
  stopped: '■',
  cancelled: '■',
  archived: '▤',
};

export const signOf = (status: string): string => statusSigns[status] ?? '?';
