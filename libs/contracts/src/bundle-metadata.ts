/**
 * `metadata.json` of a bundle: the zip file that carries what a directive or one of its steps made. A
 * contract with users (FORMATS): another form gets another version. No word about the input bundle of
 * a run, which is in `run.ts`.
 */
import { z } from 'zod';
import { Digest, DirectiveId, RunId, StepName } from './ids';

export const BUNDLE_FORMAT_VERSION = 1;
export const BUNDLE_METADATA = 'metadata.json';

/** What is read of a bundle, whoever made it. */
export const bundleLimits = {
  members: 200_000,
  metadataBytes: 64 * 1024 * 1024,
  /** Of one member; an artifact has no more. */
  memberBytes: 4 * 1024 * 1024 * 1024,
  totalBytes: 64 * 1024 * 1024 * 1024,
  /** Deflate makes no more of a byte. */
  ratio: 1_032,
} as const;

export const BundleFile = z.strictObject({
  /** In the zip file. */
  path: z.string().min(1).max(2_000),
  kind: z.enum(['artifact', 'manifest', 'transcript', 'check_log']),
  /** What it is called by who made it: an artifact's path in the workspace, a check's name. */
  name: z.string().nullable(),
  digest: Digest,
  bytes: z.number().int().min(0),
  /** null for the manifest of the directive. */
  runId: RunId.nullable(),
  step: StepName.nullable(),
  executable: z.boolean(),
});
export type BundleFile = z.infer<typeof BundleFile>;

export const BundleMetadata = z.strictObject({
  kind: z.literal('writ-bundle'),
  formatVersion: z.literal(BUNDLE_FORMAT_VERSION),
  writVersion: z.string(),
  /** When the last event that it tells of was recorded: the same record gives the same bundle. */
  createdAt: z.string(),
  /** That event, the last of the directive's own stream. */
  log: z.strictObject({ position: z.number().int().min(1), hash: z.string() }),
  /** null for the whole directive. */
  step: StepName.nullable(),
  /** As `writ show --json` prints it. */
  directive: z.looseObject({ id: DirectiveId, title: z.string(), status: z.string() }),
  /** The steps that are in it, each with the run that it stands on: the latest that passed, or the last. */
  steps: z.array(z.strictObject({ name: StepName, status: z.string(), runId: RunId.nullable() })),
  /** As `writ run-info --json` prints them. */
  runs: z.array(z.looseObject({ runId: RunId, step: StepName })),
  /** Every other member of the zip file, by path. */
  files: z.array(BundleFile),
});
export type BundleMetadata = z.infer<typeof BundleMetadata>;
