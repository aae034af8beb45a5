/**
 * Executes a compiled step and takes what it made. Owns what is kept of it: the outcome, the files, the
 * transcript.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { ContentStore } from '@writ/content-store';
import {
  pause,
  type AttemptRecord,
  type Clock,
  type RunEnded,
  type RunError,
  type RunWork,
  type Usage,
} from '@writ/contracts';
import type { Outbound } from '@writ/outbound-http';
import { LiveLog, Transcript } from '@writ/programs';
import type { WorkerDesk } from '@writ/worker-protocol';
import type { ActiveRun } from '../active-runs';
import type { StepHost } from '../open-programs';
import type { WorkFolder } from '../work-folders';
import { OutputRefused } from '../workspaces/collect-artifacts';
import type { CompiledRequest } from './compile-request';
import type { CompiledProgram, LaidWorkspace } from './compile-step';
import type { Outcome } from './hand-out';
import { processStep, type Processed, type ProcessTools, type Tried } from './process-step';
import { StageFailed, type StageLog } from './stage-log';
import { takeOutputs } from './take-outputs';
import { tryHttp } from './try-http';
import { infrastructureError, tryProgram } from './try-program';
import { tryWorker } from './try-worker';

export interface Execution {
  readonly work: RunWork;
  readonly run: ActiveRun;
  readonly claim: number;
  /** Of a step that runs a program. */
  readonly program?: CompiledProgram;
  /** Of a step that asks somebody over HTTP. */
  readonly request?: CompiledRequest;
  readonly laid: LaidWorkspace;
  readonly folder: WorkFolder;
  /** What the ref of the candidate commit was before. */
  readonly refSeen: string | undefined;
  readonly stages: StageLog;
  readonly noteAttempt: (attempt: AttemptRecord) => Promise<void>;
}

export interface ExecutionTools extends Pick<ProcessTools, 'random' | 'clock'> {
  readonly programs: StepHost;
  readonly content: ContentStore;
  readonly workers: WorkerDesk;
  readonly outbound: Pick<Outbound, 'request'>;
  readonly broadcast: (subject: string, bytes: Uint8Array) => void;
  readonly logger: { error(fields: object, message: string): void };
  /** How long a program may go on when the process stops. */
  readonly leaveMs: number;
}

/** Throws RunLost. */
export async function executeStep(task: Execution, given: ExecutionTools): Promise<Outcome> {
  const { work, run, claim, folder, stages, noteAttempt } = task;
  const tools = { ...given, programs: knowing(given.programs, task.request) };
  const { programs, random, clock } = tools;
  const { needles, counters } = programs;
  const redaction = { needles, redacted: counters.redacted, patterns: true };
  const file = join(folder.own, 'transcript');
  const live = new LiveLog(work.runId, tools.broadcast);
  const to = createWriteStream(file, { mode: 0o600 });
  const transcript = new Transcript({ to, redaction, live });
  const startedAt = clock.time();
  const stayed = leaveInTime(run, tools.leaveMs, clock);
  try {
    const tryOnce = (attempt: number, used: Usage | undefined) =>
      tryStep(task, attempt, { ...tools, transcript, used });
    const noting = async (attempt: AttemptRecord) => {
      await noteAttempt(attempt);
      transcript.note(`next try in ${attempt.retryInMs} ms`);
    };
    const doing = { clock, random, noteAttempt: noting };
    const done = await processStep(work, run, claim, tryOnce, doing);
    const outcome = { ...saidBy(done), ...(await take(task, done, tools)) };
    if (outcome.error === undefined) stages.succeed('processing', startedAt);
    else stages.fail('processing', startedAt, outcome.error.message);
    if (!transcript.hasOutput) return outcome;
    return { ...outcome, transcript: await keepTranscript(transcript, file, work, tools) };
  } finally {
    stayed();
    await transcript.close().catch(() => undefined); // its folder is removed next
  }
}

/** Secrets of its own are searched for like those of the service. */
function knowing(programs: StepHost, request: CompiledRequest | undefined): StepHost {
  const { needles = [] } = request ?? {};
  if (needles.length === 0) return programs;
  const all = [...programs.needles, ...needles].sort((a, b) => b.text.length - a.text.length);
  return { ...programs, needles: all };
}

function tryStep(
  task: Execution,
  attempt: number,
  tools: ExecutionTools & { readonly transcript: Transcript; readonly used: Usage | undefined },
): Promise<Tried> {
  const { work, run, program, laid, folder } = task;
  const { adapter } = work;
  if (adapter.kind === 'worker') return tryWorker(task, adapter, attempt, tools);
  if (adapter.kind === 'http') return tryHttp(task, adapter, attempt, tools);
  if (program === undefined) throw new Error(`${adapter.kind} steps have no program`);
  return tryProgram(work, run, attempt, program, laid.root, folder, tools);
}

/** A program that outlasts the end of this process is ended, and its run given up. */
export function leaveInTime(run: ActiveRun, leaveMs: number, clock: Clock): () => void {
  let takeBack = (): void => undefined;
  const begin = () => (takeBack = clock.after(leaveMs, () => run.end('shutdown')));
  if (run.leaving.aborted) begin();
  else run.leaving.addEventListener('abort', begin, { once: true });
  return () => {
    run.leaving.removeEventListener('abort', begin);
    takeBack();
  };
}

async function take(task: Execution, done: Processed, tools: ExecutionTools): Promise<Outcome> {
  const { result, error, exitCode } = done;
  if (error !== undefined) return { result, error, exitCode, artifacts: [] };
  const { work, laid, program, refSeen } = task;
  const { adapter } = work;
  const named = adapter.kind === 'http' ? adapter.bodyTo : program?.stdoutTo;
  const declared = [...work.outputs, ...(named === undefined ? [] : [named])];
  const files = { declared, reported: done.reported };
  try {
    const outputs = await again(tools.clock, () => takeOutputs(work, laid, files, refSeen, tools));
    return { result, exitCode, ...outputs };
  } catch (thrown) {
    return { result: 'failed', error: errorOf(thrown), exitCode, artifacts: [] };
  }
}

/** Taking the outputs is tried again: running the program again would be another matter. */
async function again<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof OutputRefused || attempt === 3) throw error;
      await pause(clock, 200 * attempt ** 2);
    }
  }
}

async function keepTranscript(
  transcript: Transcript,
  file: string,
  { runId }: RunWork,
  { content, logger }: ExecutionTools,
): Promise<string | undefined> {
  try {
    await transcript.close();
    return (await content.putStream(createReadStream(file))).digest;
  } catch (error) {
    // The result counts without it.
    logger.error({ err: error, runId }, 'the transcript of a run could not be kept');
    return undefined;
  }
}

function saidBy({ attempts, signal, said, usage, metadata }: Processed): Partial<RunEnded> {
  const { last, bytes } = said;
  return {
    ...{ attempts: [...attempts], signal },
    stdout: last.stdout === '' ? undefined : last.stdout,
    stderr: last.stderr === '' ? undefined : last.stderr,
    ...(usage === undefined ? {} : { usage }),
    metadata: { ...metadata, stdoutBytes: bytes.stdout, stderrBytes: bytes.stderr },
  };
}

export function errorOf(error: unknown): RunError {
  if (error instanceof StageFailed) return error.error;
  if (error instanceof OutputRefused) {
    return { kind: 'output', code: error.code, message: error.message };
  }
  return infrastructureError(error);
}
