/** Where two directives, or two moments of one, part: `writ diff`. A contract with users (FORMATS). */
import { z } from 'zod';
import { Actor } from './envelope';
import { Confidence } from './evaluation';
import { Digest, DirectiveId } from './ids';

/** One of the two: a directive, as it is or as it was. */
export const DiffSide = z.object({
  id: DirectiveId,
  title: z.string(),
  status: z.string(),
  version: z.number().int(),
  position: z.number().int(),
});
export type DiffSide = z.infer<typeof DiffSide>;

export const SpecDifference = z.object({
  /** JSON pointer; steps are named by their names. */
  path: z.string(),
  a: z.unknown().optional(),
  b: z.unknown().optional(),
});
export type SpecDifference = z.infer<typeof SpecDifference>;

/** What happened on one side, and because of whom. */
export const DivergingEvent = z.object({
  type: z.string(),
  text: z.string(),
  version: z.number().int(),
  position: z.number().int(),
  at: z.string(),
  actor: Actor,
  commandId: z.string(),
});
export type DivergingEvent = z.infer<typeof DivergingEvent>;

export const Divergence = z.object({
  /** null: of the directive as a whole. */
  step: z.string().nullable(),
  /** So many events of it are alike on both sides. */
  alike: z.number().int(),
  /** Of two events of one type: JSON pointers to what differs in them. */
  differs: z.array(z.string()),
  /** null: on this side nothing more happened to it. */
  a: DivergingEvent.nullable(),
  b: DivergingEvent.nullable(),
});
export type Divergence = z.infer<typeof Divergence>;

export const ComparedStep = z.object({
  status: z.string(),
  attempt: z.number().int(),
  runId: z.string().nullable(),
  bundle: Digest.nullable(),
  confidence: Confidence.nullable(),
  costUsd: z.number(),
  artifacts: z.array(z.object({ path: z.string(), digest: Digest })),
});
export type ComparedStep = z.infer<typeof ComparedStep>;

export const StepDifference = z.object({
  step: z.string(),
  /** Members that differ; empty when only one side has the step. */
  differs: z.array(z.string()),
  a: ComparedStep.nullable(),
  b: ComparedStep.nullable(),
});
export type StepDifference = z.infer<typeof StepDifference>;

export const DirectiveDiff = z.object({
  a: DiffSide,
  b: DiffSide,
  spec: z.array(SpecDifference),
  /** null: what happened on both sides is alike. */
  first: Divergence.nullable(),
  steps: z.array(StepDifference),
});
export type DirectiveDiff = z.infer<typeof DirectiveDiff>;
