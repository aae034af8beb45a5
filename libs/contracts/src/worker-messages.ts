/**
 * Workers: programs of others, anywhere, that carry out work by name (docs/WORKERS.md). Owns the forms
 * of everything that is said between Writ and a worker; who says what when is in
 * `libs/worker-protocol`. What Writ says may get further members, which a worker ignores; what a
 * worker says is read strictly, so that a misspelt member is told and not lost.
 */
import { z } from 'zod';
import { StepInput, WorkspacePath } from './adapter';
import { Digest, DirectiveId, RunId, StepName } from './ids';
import { Usage } from './run';
import { isSmallJson } from './worker';

export const WORKER_PROTOCOL = 1;

const TEXT_CHARACTERS = 16_384;
const MESSAGE_CHARACTERS = 4_096;
const MAX_FILES = 64;
const METADATA_BYTES = 16_384;
/** Base64 of all files together; a message on NATS has 1 MiB, and the rest of it is needed too. */
const MAX_FILE_CHARACTERS = 900_000;

/** What every message of a worker begins with. */
const said = {
  /** Of the work: binds what is said to this handing out of it. */
  token: z.string().min(1).max(200),
  /** Chosen by the worker, anew for each piece of work that it takes. */
  worker: z.string().min(1).max(200),
};

const smallJson = z
  .record(z.string().max(200), z.unknown())
  .refine((value) => isSmallJson(value, METADATA_BYTES), `is larger than ${METADATA_BYTES} bytes`);

const File = z.strictObject({
  path: WorkspacePath,
  /** Base64. */
  content: z.base64().max(MAX_FILE_CHARACTERS),
  executable: z.boolean().optional(),
});

/** On `replyTo` of the work; each message is a request and is answered by a WorkerAnswer. */
export const WorkerMessage = z.discriminatedUnion('kind', [
  /** It takes the work, and may begin when it is answered with `ok`. */
  z.strictObject({ kind: z.literal('accepted'), ...said }),
  /** It will not do this work, now or ever: another protocol, or an input it cannot read. */
  z.strictObject({
    kind: z.literal('refused'),
    ...said,
    reason: z.string().max(MESSAGE_CHARACTERS),
  }),
  z.strictObject({ kind: z.literal('heartbeat'), ...said }),
  z.strictObject({
    kind: z.literal('progress'),
    ...said,
    percent: z.number().min(0).max(100).optional(),
    /** For the log of the run. */
    text: z.string().max(TEXT_CHARACTERS).optional(),
  }),
  /** The end of a step. Said again until it is answered. */
  z.strictObject({
    kind: z.literal('result'),
    ...said,
    outcome: z.enum(['success', 'failed']),
    message: z.string().max(MESSAGE_CHARACTERS).optional(),
    artifacts: z
      .array(File)
      .max(MAX_FILES)
      .refine(
        (files) => files.reduce((sum, it) => sum + it.content.length, 0) <= MAX_FILE_CHARACTERS,
        `are too large together: ${MAX_FILE_CHARACTERS} characters of base64 at most`,
      )
      .default([]),
    usage: Usage.optional(),
    metadata: smallJson.optional(),
  }),
  /** The end of a check. Said again until it is answered. */
  z.strictObject({
    kind: z.literal('verdict'),
    ...said,
    passed: z.boolean(),
    score: z.number().min(0).max(1).optional(),
    message: z.string().max(MESSAGE_CHARACTERS).optional(),
  }),
]);
export type WorkerMessage = z.infer<typeof WorkerMessage>;
export type WorkerResult = Extract<WorkerMessage, { kind: 'result' }>;
export type WorkerVerdict = Extract<WorkerMessage, { kind: 'verdict' }>;

/**
 * Why a message of a worker changes nothing, and saying it again would not either. `taken`: another
 * worker has it; `stale`: the token is not, or no longer, that of the work; `cancelled`, `ended`: nobody
 * wants it any more; `malformed`: it is not of a form above.
 */
export const WorkerRefusal = z.enum(['taken', 'stale', 'cancelled', 'ended', 'malformed']);
export type WorkerRefusal = z.infer<typeof WorkerRefusal>;

export const WorkerAnswer = z.union([
  z.object({ ok: z.literal(true) }),
  z.object({ ok: z.literal(false), code: WorkerRefusal, message: z.string() }),
]);
export type WorkerAnswer = z.infer<typeof WorkerAnswer>;

const handed = {
  protocol: z.literal(WORKER_PROTOCOL),
  task: z.enum(['step', 'check']),
  runId: RunId,
  token: z.string(),
  /** Say everything to this subject, as a request. */
  replyTo: z.string(),
  /** A cancellation comes on this subject. */
  cancelOn: z.string(),
  directiveId: DirectiveId,
  step: StepName,
  attempt: z.number().int(),
  /** The nth try within the run. */
  try: z.number().int(),
  /** RFC 3339. After it nobody waits for a result. */
  deadline: z.string(),
  /** Say something at least so often; whoever is silent for four times as long counts as dead. */
  heartbeatMs: z.number().int(),
};

/** `writ.worker.<name>.work`: a piece of work for whichever worker of this name is free. */
export const WorkerWork = z.object({
  ...handed,
  /** The folder that the step works in, on the machine of the executor; artifacts go there too. */
  workspacePath: z.string().optional(),
  /** The files of the step's `inputs`, and what the steps before it made, by digest. */
  inputs: z.array(StepInput),
  dependencies: z.array(
    z.object({ step: StepName, path: z.string(), digest: Digest, bytes: z.number().int() }),
  ),
  /** As the step says it: any JSON. */
  input: z.unknown(),
});
export type WorkerWork = z.infer<typeof WorkerWork>;

/** `writ.worker.<name>.cancel.<runId>`: stop with this work; nothing more of it is taken. */
export const WorkerCancel = z.object({
  protocol: z.literal(WORKER_PROTOCOL),
  runId: RunId,
  token: z.string(),
  reason: z.string(),
});
export type WorkerCancel = z.infer<typeof WorkerCancel>;
