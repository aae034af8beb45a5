/**
 * What the gate decided about a step that was judged, with everything that it was decided by, and a
 * policy under which the same could be decided again: `writ backtest`. A contract with users (FORMATS).
 */
import { z } from 'zod';
import { Decision } from './approval';
import { Autonomy } from './directive-file';
import { Confidence } from './evaluation';
import { DirectiveId, RunId, StepName } from './ids';

/** `pass` with or without a mark for people; `ask`: a person was asked first. */
export const GateOutcome = z.enum(['pass', 'ask', 'rework', 'block']);
export type GateOutcome = z.infer<typeof GateOutcome>;

const Share = z.number().min(0).max(1);
const action = z.enum(['pass', 'flag', 'approval', 'rework', 'block']).optional();

/** A row of the gate's table, as far as it is to be another. */
const GateRow = z.strictObject({
  ...{ green: action, yellow: action, unknown: action, red: action, atLimit: action },
});

/** How checks count; of several that fit a check the last one that says something counts. */
export const CheckPolicy = z
  .strictObject({
    name: z.string().min(1).max(200).optional(),
    kind: z.string().min(1).max(64).optional(),
    required: z.boolean().optional(),
    weight: z.number().min(0).max(100).optional(),
  })
  .refine((it) => it.name !== undefined || it.kind !== undefined, {
    path: ['name'],
    message: 'or "kind" must say which checks are meant',
  });

/** What it names takes the place of what each directive says; all else stays as it was. */
export const DecisionPolicy = z.strictObject({
  autonomy: Autonomy.optional(),
  thresholds: z
    .strictObject({ green: Share.optional(), yellow: Share.optional() })
    .refine((it) => (it.yellow ?? 0) <= (it.green ?? 1), {
      path: ['yellow'],
      message: 'is above green',
    })
    .optional(),
  limits: z
    .strictObject({ maxReworkCycles: z.number().int().min(0).max(100).optional() })
    .optional(),
  checks: z.array(CheckPolicy).max(200).optional(),
  gate: z
    .strictObject({
      full_auto: GateRow.optional(),
      guardrails: GateRow.optional(),
      manual: GateRow.optional(),
    })
    .optional(),
});
export type DecisionPolicy = z.infer<typeof DecisionPolicy>;

/** What people said, where they were asked. */
export const SaidOfDecision = z.object({
  decision: Decision,
  /** Nobody when the deadline was over. */
  by: z.array(z.string()),
  reason: z.string().optional(),
});
export type SaidOfDecision = z.infer<typeof SaidOfDecision>;

const OneSide = z.object({ outcome: GateOutcome, confidence: Confidence.nullable() });

export const DecisionFlip = z.object({
  directiveId: DirectiveId,
  step: StepName,
  runId: RunId,
  at: z.string(),
  position: z.number().int(),
  then: OneSide,
  now: OneSide,
  said: SaidOfDecision.nullable(),
});
export type DecisionFlip = z.infer<typeof DecisionFlip>;

export const BacktestReport = z.object({
  policy: DecisionPolicy,
  since: z.string().nullable(),
  decisions: z.number().int(),
  flips: z.number().int(),
  /** `then->now`: how many, such as `ask->pass`. */
  counts: z.record(z.string(), z.number().int()),
  /** Of those that would pass now: somebody was asked then, and said no. */
  againstDenial: z.number().int(),
  /** Somebody was asked then, said yes, and would not have to. */
  asIsApproved: z.number().int(),
  /** The oldest first; `flips` may be more than are listed. */
  steps: z.array(DecisionFlip),
});
export type BacktestReport = z.infer<typeof BacktestReport>;
