/** `writ approvals show`: everything that a person looks at before he decides. */
import { z } from 'zod';
import { ApprovalDocument } from './approval';
import { CheckResult } from './evaluation';
import { Digest } from './ids';
import { RunResult } from './run';

/** One fact about what was made, and what it is worth. */
export const HealthPoint = z.object({
  name: z.string(),
  points: z.number(),
  of: z.number(),
  said: z.string(),
});
export type HealthPoint = z.infer<typeof HealthPoint>;

/** See docs/APPROVALS.md for what each point stands on. */
export const RepositoryHealth = z.object({
  /** 0 to 100. */
  score: z.number(),
  points: z.array(HealthPoint),
});
export type RepositoryHealth = z.infer<typeof RepositoryHealth>;

export const ReviewedArtifact = z.object({
  path: z.string(),
  change: z.enum(['added', 'changed', 'same', 'removed']),
  before: z.object({ digest: Digest, bytes: z.number() }).nullable(),
  after: z
    .object({ digest: Digest, bytes: z.number(), authoredBy: z.string().optional() })
    .nullable(),
  /** Unified; null for what is no text, is too large, or is in the diff of the repository. */
  diff: z.string().nullable(),
  /** Why there is no diff. */
  note: z.string().optional(),
});
export type ReviewedArtifact = z.infer<typeof ReviewedArtifact>;

export const ApprovalReview = z.object({
  approval: ApprovalDocument,
  directive: z.object({ id: z.string(), title: z.string(), goal: z.string() }),
  /** Null where no run is judged. */
  run: z
    .object({
      runId: z.string(),
      attempt: z.number(),
      result: RunResult.nullable(),
      tries: z.number(),
      adapter: z.string().nullable(),
      sandbox: z.string().nullable(),
      exitCode: z.number().nullable(),
      error: z.string().nullable(),
      /** The last lines. */
      stdout: z.string().nullable(),
      stderr: z.string().nullable(),
    })
    .nullable(),
  checks: z.array(CheckResult),
  metrics: z.object({
    durationMs: z.number().nullable(),
    checksMs: z.number().nullable(),
    inputTokens: z.number().nullable(),
    outputTokens: z.number().nullable(),
    costUsd: z.number().nullable(),
  }),
  health: RepositoryHealth.nullable(),
  /** Of a git workspace. */
  diff: z.object({ digest: Digest, text: z.string() }).nullable(),
  /** What the files are compared with. */
  comparedWith: z.string(),
  artifacts: z.array(ReviewedArtifact),
});
export type ApprovalReview = z.infer<typeof ApprovalReview>;
