/**
 * The directive file: what a person writes and `create` carries. A contract with users; see
 * docs/FORMATS.md. Unknown keys are errors everywhere in it.
 */
import { z } from 'zod';
import { Adapter, Retry, StepInput, WorkspaceGlob } from './adapter';
import { ApprovalPolicy } from './approval-policy';
import { Verify } from './check';
import { StepName } from './ids';

/** Text for people: in the end it stands in a database and on a screen, which know no NUL. */
const hasNoNul = [(text: string) => !text.includes('\0'), 'holds a NUL byte'] as const;
const Line = z
  .string()
  .min(1)
  .max(2000)
  .refine(...hasNoNul);
const Prose = z
  .string()
  .min(1)
  .max(100_000)
  .refine(...hasNoNul);
/** Why somebody pauses or stops a directive. */
export const Reason = z
  .string()
  .max(2000)
  .refine(...hasNoNul);
/** A place or a branch outside; it becomes an argument of a program. */
const Outside = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine(...hasNoNul);
const Id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'is not an id');

export const STEP_LIMIT = 2000;

/** Steps that share something: a group of a chain, or a key that only one may hold at a time. */
const GroupName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$/, 'is not a name of a group');

/** What one attempt of a step may spend; so much is reserved before it starts. */
export const StepBudget = z.strictObject({
  costUsd: z.number().min(0).optional(),
  tokens: z.number().int().min(0).optional(),
});
export type StepBudget = z.infer<typeof StepBudget>;

export const Autonomy = z.enum(['full_auto', 'guardrails', 'manual']);
export type Autonomy = z.infer<typeof Autonomy>;

export const Thresholds = z
  .strictObject({
    green: z.number().min(0).max(1).default(0.85),
    yellow: z.number().min(0).max(1).default(0.6),
  })
  .refine((it) => it.yellow <= it.green, { path: ['yellow'], message: 'is above green' });
export type Thresholds = z.infer<typeof Thresholds>;

/** Without defaults: what is not named stays as it is. */
const limits = {
  maxParallelSteps: z.number().int().min(1).max(STEP_LIMIT),
  maxReworkCycles: z.number().int().min(0).max(100),
  maxTotalCostUsd: z.number().min(0),
  maxTotalTokens: z.number().int().min(0),
  /** Of going on without a pause; then the directive is suspended. */
  maxWallTimeMinutes: z.number().min(0),
  maxChainRegenerations: z.number().int().min(0).max(100),
  maxFailedSteps: z.number().int().min(0).max(STEP_LIMIT),
  /** How many runs in a row may end because a provider is in trouble. */
  maxProviderErrors: z.number().int().min(1).max(100),
  /** By name of a step's `group`: how many of its steps run at once. */
  groups: z.record(GroupName, z.number().int().min(1).max(STEP_LIMIT)),
};
export const Limits = z.strictObject({
  ...limits,
  maxParallelSteps: limits.maxParallelSteps.default(4),
  maxReworkCycles: limits.maxReworkCycles.default(3),
  maxTotalCostUsd: limits.maxTotalCostUsd.optional(),
  maxTotalTokens: limits.maxTotalTokens.optional(),
  maxWallTimeMinutes: limits.maxWallTimeMinutes.optional(),
  maxChainRegenerations: limits.maxChainRegenerations.default(3),
  maxFailedSteps: limits.maxFailedSteps.default(3),
  maxProviderErrors: limits.maxProviderErrors.optional(),
  groups: limits.groups.optional(),
});
export type Limits = z.infer<typeof Limits>;
export const LimitChanges = z
  .strictObject(limits)
  .partial()
  .refine((it) => Object.keys(it).length > 0, 'names no limit');
export type LimitChanges = z.infer<typeof LimitChanges>;

export const Workspace = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('directory'), path: Outside(4096) }),
  z.strictObject({
    kind: z.literal('git'),
    repository: Outside(4096),
    /** Or a whole commit id. Default: the branch that is checked out there. */
    baseBranch: Outside(200).optional(),
  }),
]);
export type Workspace = z.infer<typeof Workspace>;

export const StepSpec = z.strictObject({
  name: StepName,
  type: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'is not a step type')
    .default('implement'),
  description: z
    .string()
    .max(20_000)
    .refine(...hasNoNul)
    .default(''),
  dependsOn: z.array(StepName).max(STEP_LIMIT).default([]),
  requirementIds: z.array(Id).max(500).default([]),
  acceptanceCriteriaIds: z.array(Id).max(500).default([]),
  adapter: Adapter,
  timeoutMs: z
    .number()
    .int()
    .min(1)
    .max(7 * 86_400_000)
    .default(1_800_000),
  retry: Retry.default(() => Retry.parse({})),
  /** May run again after a crash in the middle. */
  idempotent: z.boolean().default(false),
  /** May be skipped when an identical input bundle has succeeded. */
  cache: z.boolean().default(true),
  /** Files beside the directive file; the submitting client turns names into contents. */
  inputs: z.array(StepInput).max(1000).default([]),
  outputs: z.array(WorkspaceGlob).max(1000).default([]),
  verify: Verify.optional(),
  budget: StepBudget.optional(),
  /** `limits.groups` says how many of its steps run at once; without a word there all may. */
  group: GroupName.optional(),
  /** Of all steps of the chain with this key one runs at a time. */
  concurrencyKey: GroupName.optional(),
});
export type StepSpec = z.infer<typeof StepSpec>;

export const Planner = z.strictObject({
  kind: z.enum(['explicit', 'llm', 'dbt', 'agent', 'default']).default('explicit'),
  /** `agent`: what plans; without it a plan is waited for. `default`: what carries out each step. */
  adapter: Adapter.optional(),
  /** The plan waits for a person before its first step starts. */
  approval: z.boolean().optional(),
  timeoutMs: z.number().int().min(1).max(86_400_000).optional(),
});
export type Planner = z.infer<typeof Planner>;

export const DirectiveFile = z.strictObject({
  title: Line,
  goal: Prose,
  requirements: z
    .array(z.strictObject({ id: Id, description: Prose }))
    .max(500)
    .default([]),
  acceptanceCriteria: z
    .array(z.strictObject({ id: Id, criterion: Prose }))
    .max(500)
    .default([]),
  constraints: z.array(Prose).max(500).default([]),
  autonomy: Autonomy.default('guardrails'),
  thresholds: Thresholds.default(() => Thresholds.parse({})),
  limits: Limits.default(() => Limits.parse({})),
  workspace: Workspace.default({ kind: 'none' }),
  variables: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'is not a variable name'), z.string())
    .default({}),
  planner: Planner.default({ kind: 'explicit' }),
  approvals: ApprovalPolicy.optional(),
  chain: z
    .strictObject({
      steps: z
        .array(StepSpec)
        .min(1, 'has no step')
        .max(
          STEP_LIMIT,
          `has more than ${STEP_LIMIT} steps; split the work into several directives`,
        ),
    })
    .optional(),
});
/** With every default filled in. */
export type DirectiveFile = z.infer<typeof DirectiveFile>;
/** As a person writes it. */
export type DirectiveFileInput = z.input<typeof DirectiveFile>;

/** Names that the executor fills in when a step runs; a variable cannot have them. */
export const RUNTIME_VARIABLES = ['inputs'] as const;

/** With a warning a directive is taken; with an error it is not. */
export const Severity = z.enum(['error', 'warning']);
export type Severity = z.infer<typeof Severity>;

/** One thing wrong with a directive or a plan: a stable code, a sentence, and where. */
export const Issue = z.object({
  code: z.string(),
  /** Left out: an error. */
  severity: Severity.optional(),
  message: z.string(),
  /** JSON pointer into the directive file. */
  path: z.string(),
});
export type Issue = z.infer<typeof Issue>;
