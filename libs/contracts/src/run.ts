/** The run aggregate: one execution of a step. The executor is its only writer. */
import { z } from 'zod';
import { Adapter, Retry, StepInput } from './adapter';
import { Verify } from './check';
import { Autonomy, StepBudget, Workspace } from './directive-file';
import { Digest, DirectiveId, RunId, StepName } from './ids';

export const ArtifactRef = z.object({
  path: z.string(),
  digest: Digest,
  bytes: z.number().int().min(0),
  /** Present when it is executable. */
  executable: z.boolean().optional(),
  /** The person who wrote it, when the run did not. */
  authoredBy: z.string().optional(),
});
export type ArtifactRef = z.infer<typeof ArtifactRef>;

export const Usage = z.object({
  inputTokens: z.number().int().min(0),
  outputTokens: z.number().int().min(0),
  costUsd: z.number().min(0),
});
export type Usage = z.infer<typeof Usage>;

export const RunResult = z.enum(['success', 'failed', 'skipped', 'cancelled', 'timed_out']);
export type RunResult = z.infer<typeof RunResult>;

export const RunStage = z.enum(['analysis', 'compilation', 'processing']);
export const StageRecord = z.object({
  name: RunStage,
  status: z.enum(['success', 'failed', 'skipped']),
  startedAt: z.string(),
  endedAt: z.string(),
  error: z.string().optional(),
});
export type StageRecord = z.infer<typeof StageRecord>;

/**
 * Why a run has no success. `invalid`: the step cannot run as written; `spawn`: the program could
 * not be started; `exit`: it ended with a code or by a signal; `output`: what it made cannot be
 * taken; `infrastructure`: trouble of the machine; `in_doubt`: it was cut off in the middle and is
 * not idempotent, so only a person or a probe can tell what it did; `budget`: it said that it had used more
 * than was reserved for it, and was ended; `provider`: who was to carry it out is in trouble, and said
 * so.
 */
export const RunError = z.object({
  kind: z.enum([
    'invalid',
    'spawn',
    'exit',
    'timeout',
    'cancelled',
    'output',
    'infrastructure',
    'in_doubt',
    'budget',
    'provider',
  ]),
  code: z.string(),
  message: z.string(),
});
export type RunError = z.infer<typeof RunError>;

export const InputBundle = z.object({
  /** SHA-256 of the RFC 8785 text of `components`. */
  hash: Digest,
  components: z.record(z.string(), Digest),
  excluded: z.array(z.string()),
});
export type InputBundle = z.infer<typeof InputBundle>;

/** One try within a run. */
export const AttemptRecord = z.object({
  attempt: z.number().int(),
  claim: z.number().int(),
  startedAt: z.string(),
  durationMs: z.number(),
  exitCode: z.number().int().nullable(),
  signal: z.string().optional(),
  error: RunError.optional(),
  /** Waited before the next try. */
  retryInMs: z.number().optional(),
});
export type AttemptRecord = z.infer<typeof AttemptRecord>;

/** Where a run works. */
export const RunWorkspace = z.object({
  spec: Workspace,
  /** Absolute; absent without a workspace. */
  path: z.string().optional(),
  branch: z.string().optional(),
  baseCommit: z.string().optional(),
});
export type RunWorkspace = z.infer<typeof RunWorkspace>;

/** What a passed or failed step keeps of its run. */
export const StepRun = z.object({
  runId: RunId,
  result: RunResult,
  artifacts: z.array(ArtifactRef),
  usage: Usage.optional(),
  /** The candidate commit of a run in a git workspace. */
  commit: z.string().optional(),
  /** See `RunEnded`: what a person saw of it is a part of what he approves. */
  diff: Digest.optional(),
  durationMs: z.number(),
  /** Of a run that was taken from the cache: the run that did the work. */
  sourceRunId: z.string().optional(),
});
export type StepRun = z.infer<typeof StepRun>;

/** Why a step runs once more: what was found wrong with what it made before. */
export const Rework = z.object({
  instructions: z.string(),
  checks: z.array(z.object({ name: z.string(), passed: z.boolean(), output: z.string() })),
  previous: z.object({
    runId: RunId,
    /** Its candidate commit, in a git workspace. */
    commit: z.string().optional(),
    artifacts: z.array(ArtifactRef),
  }),
  /** The next attempt begins with what the previous one left; else where any other step begins. */
  continues: z.boolean(),
});
export type Rework = z.infer<typeof Rework>;

const work = z.object({
  runId: RunId,
  directiveId: DirectiveId,
  generation: z.number().int(),
  step: StepName,
  type: z.string(),
  attempt: z.number().int(),
  adapter: Adapter,
  timeoutMs: z.number(),
  retry: Retry,
  idempotent: z.boolean(),
  cache: z.boolean(),
  inputs: z.array(StepInput),
  outputs: z.array(z.string()),
  verify: Verify.optional(),
  workspace: RunWorkspace,
  /** The steps it depends on, with what they made. */
  dependencies: z.array(
    z.object({ step: StepName, runId: RunId, artifacts: z.array(ArtifactRef) }),
  ),
  /** Of the directive: what becomes of the result, see `gate` in the domain. */
  autonomy: Autonomy.default('guardrails'),
  /** Of a further attempt. */
  rework: Rework.optional(),
  /** Of the budget, for this attempt. */
  reserved: StepBudget.optional(),
});

/** At most so many steps go with a step as those that may follow it at once. */
export const MAX_NEXT = 64;

/** `writ.work.<adapter>`: a step to run. */
export const RunWork = work.extend({
  /**
   * Steps that are ready when this one and those before them have passed, in an order in which they
   * can run. An executor that has their results at hand may end their runs too and name them in
   * `RunEnded.next`; what it leaves is sent as work of its own. Of dependencies that are in the list
   * themselves the artifacts are not known yet.
   */
  next: z.array(work).max(MAX_NEXT).optional(),
});
export type RunWork = z.infer<typeof RunWork>;

const claim = {
  directiveId: DirectiveId,
  step: StepName,
  /** The type of the step, as it was planned. */
  stepType: z.string().optional(),
  attempt: z.number().int(),
  /** 1 for the first executor that takes the run, 2 for the one that takes it over, ... */
  claim: z.number().int(),
  executorId: z.string(),
  adapter: z.object({ kind: z.string(), version: z.string() }),
  /** S0 none, S1 own process namespace and limits, S2 bubblewrap; absent in-process. */
  sandbox: z.string().optional(),
  bundle: InputBundle,
};

/** Stored form: never rename; add a version. */
export const runEvents = {
  RunClaimed: z.object({ runId: RunId, ...claim, stages: z.array(StageRecord) }),
  RunAttemptFailed: z.object({ runId: RunId, attempt: AttemptRecord }),
  RunEnded: z.object({
    runId: RunId,
    ...claim,
    /** Absent when the run failed before its bundle was known. */
    bundle: InputBundle.optional(),
    /** False when its success must not stand in for another run: `cache: false`, or not comparable. */
    cacheable: z.boolean().optional(),
    result: RunResult,
    error: RunError.optional(),
    stages: z.array(StageRecord),
    attempts: z.array(AttemptRecord),
    exitCode: z.number().int().nullable(),
    signal: z.string().optional(),
    artifacts: z.array(ArtifactRef),
    /** Files of a git workspace that the step removed. */
    deleted: z.array(z.string()).optional(),
    /** The candidate commit in a git workspace. */
    commit: z.string().optional(),
    /** What it changed in a git workspace, as a unified diff, in the content store. */
    diff: Digest.optional(),
    usage: Usage.optional(),
    durationMs: z.number(),
    /** Everything it said, in the content store; absent when it said nothing. */
    transcript: Digest.optional(),
    /** The last lines of stdout and stderr, for people. */
    stdout: z.string().optional(),
    stderr: z.string().optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    /** Runs that the same executor ended right after this one, in this order: see `RunWork.next`. */
    next: z.array(RunId).max(MAX_NEXT).optional(),
    /** Of a skipped run: the run whose recorded outputs it hands out, and how that was judged. */
    source: z
      .object({
        runId: RunId,
        confidence: z
          .object({ score: z.number().nullable(), level: z.string() })
          .nullable()
          .optional(),
      })
      .optional(),
  }),
} as const;
export type RunEventType = keyof typeof runEvents;
export type RunEventData<T extends RunEventType> = z.infer<(typeof runEvents)[T]>;
export type RunEvent = {
  [T in RunEventType]: { readonly type: T; readonly data: RunEventData<T> };
}[RunEventType];
export type RunEnded = RunEventData<'RunEnded'>;
export type RunClaimed = RunEventData<'RunClaimed'>;

/** `writ.log.<runId>`: live output, as it comes, in pieces. Core NATS: may miss some. */
export const LogPiece = z.object({
  runId: RunId,
  stream: z.enum(['stdout', 'stderr', 'system']),
  text: z.string(),
  /** Bytes of that stream before this piece. */
  offset: z.number().int(),
});
export type LogPiece = z.infer<typeof LogPiece>;
