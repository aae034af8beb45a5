/**
 * A plan as it is looked at without being carried out: what `writ plan` prints, and what the planner
 * asks an executor for to forecast it. A contract with users; see docs/FORMATS.md.
 */
import { z } from 'zod';
import { PlannedStep } from './directive';
import { Issue, STEP_LIMIT, Workspace } from './directive-file';

/** Of many ways that it may go: the middle one, and one that nine of ten stay below. */
export const Estimate = z.object({ p50: z.number(), p90: z.number() });
export type Estimate = z.infer<typeof Estimate>;

/**
 * What an estimate rests on: runs of this step with this very adapter, runs of the same kind of
 * adapter and type of step, or nothing.
 */
export const HistoryBasis = z.enum(['step', 'kind', 'unknown']);
export type HistoryBasis = z.infer<typeof HistoryBasis>;

/** A run of the past, as far as it says something about the next. */
export const PastRun = z.object({
  durationMs: z.number().min(0),
  costUsd: z.number().min(0),
  attempt: z.number().int().min(1),
  /** It was taken from the run cache. */
  hit: z.boolean(),
});
export type PastRun = z.infer<typeof PastRun>;

/** `unknown`: its input bundle cannot be known before the steps before it have run. */
export const BundleOutlook = z.enum(['hit', 'miss', 'unknown']);
export type BundleOutlook = z.infer<typeof BundleOutlook>;

export const HistoryQuestion = z.strictObject({
  workspace: Workspace,
  steps: z.array(PlannedStep).max(STEP_LIMIT),
});
export type HistoryQuestion = z.infer<typeof HistoryQuestion>;

export const StepHistory = z.object({
  step: z.string(),
  basis: HistoryBasis,
  /** The latest first. */
  runs: z.array(PastRun),
  bundle: BundleOutlook,
  /** Why it would fail if it ran now, as far as that can be seen. */
  trouble: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type StepHistory = z.infer<typeof StepHistory>;

export const HistoryAnswer = z.object({
  steps: z.array(StepHistory),
  /** How many programs this executor runs at a time. */
  programsAtATime: z.number().int().min(1),
});
export type HistoryAnswer = z.infer<typeof HistoryAnswer>;

export const StepForecast = z.object({
  basis: HistoryBasis,
  /** How many runs it rests on. */
  runs: z.number().int(),
  /** Of one attempt that is executed; null when nothing is known. */
  durationMs: Estimate.nullable(),
  costUsd: Estimate.nullable(),
  /** `bundle`: its input is known and was looked up; `history`: the share of its runs before. */
  cacheHit: z.object({
    probability: z.number().min(0).max(1),
    basis: z.enum(['bundle', 'history', 'unknown']),
  }),
});
export type StepForecast = z.infer<typeof StepForecast>;

export const PlanForecast = z.object({
  costUsd: Estimate,
  durationMs: Estimate,
  /** How many steps are expected to be taken from the run cache. */
  cacheHits: z.number().int(),
  /** Of these nothing is known: they count as if they took no time and cost nothing. */
  unknownSteps: z.array(z.string()),
});
export type PlanForecast = z.infer<typeof PlanForecast>;

/** Of the middle of a box, in the pixels of an editor; no two boxes touch. */
export const Position = z.object({ x: z.number(), y: z.number() });
export type Position = z.infer<typeof Position>;

export const PlanStep = PlannedStep.extend({
  /** 0 waits for nothing. */
  layer: z.number().int(),
  position: Position,
  forecast: StepForecast.optional(),
});
export type PlanStep = z.infer<typeof PlanStep>;

/** `writ plan` */
export const PlanDocument = z.object({
  strategy: z.string(),
  steps: z.array(PlanStep),
  issues: z.array(Issue),
  coverage: z.array(z.object({ requirementId: z.string(), steps: z.array(z.string()) })),
  /** By the steps that name a criterion, and those of which a check does. */
  criteria: z.array(z.object({ criterionId: z.string(), steps: z.array(z.string()) })),
  /** null when there is nothing to forecast from; `noForecast` says why. */
  forecast: PlanForecast.nullable(),
  noForecast: z.string().optional(),
});
export type PlanDocument = z.infer<typeof PlanDocument>;
