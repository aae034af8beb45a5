/** What a run and a directive came to in figures: derived from the log, kept nowhere (FORMATS). */
import { z } from 'zod';
import { DirectiveStatus } from './documents';
import { ConfidenceLevel } from './evaluation';
import { DirectiveId, RunId, StepName } from './ids';
import { RunResult, RunStage, Usage } from './run';

const Milliseconds = z.number().min(0);
const Count = z.number().int().min(0);

export const ArtifactTotal = z.object({ count: Count, bytes: Count });
export type ArtifactTotal = z.infer<typeof ArtifactTotal>;

/** `writ metrics RUN` */
export const RunMetrics = z.object({
  kind: z.literal('run'),
  runId: RunId,
  directiveId: DirectiveId,
  step: StepName,
  attempt: Count,
  /** null while it goes on. */
  result: RunResult.nullable(),
  /** Its recorded outputs were handed out: nothing was executed. */
  cached: z.boolean(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  /** From `StepStarted` to the first `RunClaimed`; null when claim and end were one event. */
  queueMs: Milliseconds.nullable(),
  durationMs: Milliseconds.nullable(),
  stages: z.array(z.object({ name: RunStage, status: z.string(), durationMs: Milliseconds })),
  /** Executors that took it: more than one when one was lost. */
  claims: Count,
  tries: Count,
  retries: Count,
  attempts: z.array(
    z.object({
      claim: Count,
      attempt: Count,
      durationMs: Milliseconds,
      exitCode: z.number().int().nullable(),
      signal: z.string().nullable(),
      error: z.string().nullable(),
      retryInMs: Milliseconds.nullable(),
    }),
  ),
  exitCode: z.number().int().nullable(),
  validation: z.object({
    /** `undecided`: yellow, or no check could tell. */
    status: z.enum(['none', 'pending', 'passed', 'failed', 'undecided']),
    level: ConfidenceLevel.nullable(),
    score: z.number().nullable(),
    checks: z.object({ passed: Count, failed: Count, errors: Count }),
    /** What the checks took; null when nothing was evaluated. */
    durationMs: Milliseconds.nullable(),
    /** From `StepEvaluating` to the result, with the wait for a verifier. */
    elapsedMs: Milliseconds.nullable(),
  }),
  people: z.object({
    asked: Count,
    /** Until they had decided, or it was no more to be decided. */
    waitedMs: Milliseconds,
    /** They are asked now. */
    waitingSince: z.string().nullable(),
  }),
  artifacts: ArtifactTotal.extend({ deleted: Count }),
  /** 0 to 1, see FORMATS; null before it is known. */
  cleanliness: z.number().min(0).max(1).nullable(),
  usage: Usage,
});
export type RunMetrics = z.infer<typeof RunMetrics>;

/** `writ metrics DIRECTIVE` */
export const DirectiveMetrics = z.object({
  kind: z.literal('directive'),
  directiveId: DirectiveId,
  status: DirectiveStatus,
  generation: Count,
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  /** From its start to its end, or to the last that happened to it. */
  wallMs: Milliseconds,
  /** How long it has been in each status, as far as the log tells. */
  statusMs: z.record(z.string(), Milliseconds),
  steps: z.object({ total: Count, byStatus: z.record(z.string(), Count) }),
  runs: z.object({ total: Count, byResult: z.record(z.string(), Count), cached: Count }),
  claims: Count,
  tries: Count,
  retries: Count,
  reworks: Count,
  /** Sums over its runs; runs at the same time count each. */
  queueMs: Milliseconds,
  runMs: Milliseconds,
  evaluationMs: Milliseconds,
  peopleMs: Milliseconds,
  validation: z.object({ passed: Count, failed: Count, undecided: Count, none: Count }),
  /** Of the runs that its steps stand on. */
  artifacts: ArtifactTotal,
  cleanliness: z.number().min(0).max(1).nullable(),
  usage: Usage,
  /** Of all ways through the chain the one that took longest. */
  criticalPath: z.object({
    steps: z.array(z.object({ step: StepName, elapsedMs: Milliseconds })),
    durationMs: Milliseconds,
  }),
  parallelism: z.object({
    /** Runs at the same time, at most. */
    most: Count,
    /** On average, while any was under way; null when none was. */
    average: z.number().min(0).nullable(),
  }),
});
export type DirectiveMetrics = z.infer<typeof DirectiveMetrics>;
