/** Manifests: the sealed account of a run and of a directive. The manifest service writes them. */
import { z } from 'zod';
import { CheckResult, Confidence } from './evaluation';
import { Digest, DirectiveId, RunId, StepName } from './ids';
import { ArtifactRef, AttemptRecord, InputBundle, RunResult, StageRecord, Usage } from './run';

export const MANIFEST_SCHEMA_VERSION = 1;

export const RunManifest = z.object({
  kind: z.literal('run'),
  schemaVersion: z.number().int(),
  engineVersion: z.string(),
  runId: RunId,
  directiveId: DirectiveId,
  step: StepName,
  attempt: z.number().int(),
  parentRunId: z.string().nullable(),
  depth: z.number().int(),
  result: RunResult,
  /** Of a skipped run: the run that did the work. */
  sourceRunId: z.string().nullable(),
  template: z.object({ id: z.string(), name: z.string(), digest: Digest }).nullable(),
  inputBundle: InputBundle.nullable(),
  resolvedInputs: z.array(z.object({ kind: z.string(), name: z.string(), digest: Digest })),
  compiledPromptDigest: Digest.nullable(),
  adapter: z.object({ kind: z.string(), version: z.string(), sandbox: z.string().nullable() }),
  model: z.unknown().nullable(),
  outputs: z.array(ArtifactRef),
  deleted: z.array(z.string()),
  dependencies: z.array(
    z.object({ kind: z.enum(['requires', 'generates', 'includes']), id: z.string() }),
  ),
  validation: z.object({ confidence: Confidence, checks: z.array(CheckResult) }).nullable(),
  impactDebt: z.array(z.unknown()),
  stages: z.array(StageRecord),
  attempts: z.array(AttemptRecord),
  usage: Usage.nullable(),
  durationMs: z.number(),
  transcript: Digest.nullable(),
  commit: z.string().nullable(),
  /** The events that this was made from. */
  events: z.array(z.object({ position: z.number(), id: z.string(), hash: z.string() })),
});
export type RunManifest = z.infer<typeof RunManifest>;

export const DirectiveManifest = z.object({
  kind: z.literal('directive'),
  schemaVersion: z.number().int(),
  engineVersion: z.string(),
  directiveId: DirectiveId,
  title: z.string(),
  status: z.string(),
  contentDigest: Digest,
  generation: z.number().int(),
  steps: z.array(
    z.object({
      step: StepName,
      status: z.string(),
      runId: z.string().nullable(),
      manifestDigest: Digest.nullable(),
      confidence: Confidence.nullable(),
      outputs: z.array(ArtifactRef),
    }),
  ),
  criteria: z.array(
    z.object({ id: z.string(), met: z.boolean().nullable(), evidence: z.unknown() }),
  ),
  branch: z.string().nullable(),
  commit: z.string().nullable(),
  costUsd: z.number(),
  createdAt: z.string(),
  endedAt: z.string(),
  /** The part of the log it rests on: the last event of the directive's stream. */
  log: z.object({ position: z.number(), hash: z.string() }),
});
export type DirectiveManifest = z.infer<typeof DirectiveManifest>;

/** Stored form: never rename; add a version. */
export const manifestEvents = {
  ManifestSealed: z.object({
    kind: z.enum(['run', 'directive']),
    subjectId: z.string(),
    directiveId: DirectiveId,
    /** Digest of the manifest's canonical JSON, in the content store. */
    digest: Digest,
    bytes: z.number().int(),
  }),
} as const;
export type ManifestSealed = z.infer<typeof manifestEvents.ManifestSealed>;
