/**
 * Executes a compiled program and takes what it made. Owns what is kept of it: the outcome, the
 * files, the transcript.
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ContentStore } from '@writ/content-store';
import type { AttemptRecord, RunEnded, RunError, RunWork } from '@writ/contracts';
import type { ActiveRun } from '../active-runs';
import { LiveLog } from '../process/live-log';
import { Transcript } from '../process/transcript';
import type { ProgramHost } from '../program-host';
import type { WorkFolder } from '../work-folders';
import { OutputRefused } from '../workspaces/collect-artifacts';
import type { CompiledProgram, LaidWorkspace } from './compile-step';
import type { Outcome } from './hand-out';
import {
  infrastructureError,
  processStep,
  type Processed,
  type ProcessTools,
} from './process-step';
import { StageFailed, type StageLog } from './stage-log';
import { takeOutputs } from './take-outputs';

export interface Execution {
  readonly work: RunWork;
  readonly run: ActiveRun;
  readonly claim: number;
  readonly program: CompiledProgram;
  readonly laid: LaidWorkspace;
  readonly folder: WorkFolder;
  /** What the ref of the candidate commit was before. */
  readonly refSeen: string | undefined;
  readonly stages: StageLog;
  readonly noteAttempt: (attempt: AttemptRecord) => Promise<void>;
}

export interface ExecutionTools extends Pick<ProcessTools, 'random' | 'time' | 'spawned'> {
  readonly programs: ProgramHost;
  readonly content: ContentStore;
  readonly broadcast: (subject: string, bytes: Uint8Array) => void;
  readonly logger: { error(fields: object, message: string): void };
  /** How long a program may go on when the process stops. */
  readonly leaveMs: number;
}

/** Throws RunLost. */
export async function executeProgram(task: Execution, tools: ExecutionTools): Promise<Outcome> {
  const { work, run, claim, program, laid, folder, stages, noteAttempt } = task;
  const { programs, random, time, spawned } = tools;
  const redaction = { needles: programs.needles, redacted: programs.redacted, patterns: true };
  const file = join(folder.own, 'transcript');
  const live = new LiveLog(work.runId, tools.broadcast);
  const transcript = new Transcript({ file, redaction, live });
  const startedAt = time();
  const stayed = leaveInTime(run, tools.leaveMs);
  try {
    const doing = { programs, transcript, random, time, spawned, noteAttempt };
    const done = await processStep(work, run, claim, program, laid.root, folder, doing);
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

/** A program that outlasts the end of this process is ended, and its run given up. */
function leaveInTime(run: ActiveRun, leaveMs: number): () => void {
  let timer: NodeJS.Timeout | undefined;
  const begin = () => (timer = setTimeout(() => run.end('shutdown'), leaveMs));
  if (run.leaving.aborted) begin();
  else run.leaving.addEventListener('abort', begin, { once: true });
  return () => {
    run.leaving.removeEventListener('abort', begin);
    clearTimeout(timer);
  };
}

async function take(task: Execution, done: Processed, tools: ExecutionTools): Promise<Outcome> {
  const { result, error, exitCode } = done;
  if (error !== undefined) return { result, error, exitCode, artifacts: [] };
  const { work, laid, program, refSeen } = task;
  const { stdoutTo } = program;
  const declared = [...work.outputs, ...(stdoutTo === undefined ? [] : [stdoutTo])];
  const named = { declared, reported: done.reported };
  try {
    const outputs = await again(() => takeOutputs(work, laid, named, refSeen, tools));
    return { result, exitCode, ...outputs };
  } catch (thrown) {
    return { result: 'failed', error: errorOf(thrown), exitCode, artifacts: [] };
  }
}

/** Taking the outputs is tried again: running the program again would be another matter. */
async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof OutputRefused || attempt === 3) throw error;
      await wait(200 * attempt ** 2);
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

function saidBy({ attempts, signal, said: { last, bytes } }: Processed): Partial<RunEnded> {
  return {
    ...{ attempts: [...attempts], signal },
    stdout: last.stdout === '' ? undefined : last.stdout,
    stderr: last.stderr === '' ? undefined : last.stderr,
    metadata: { stdoutBytes: bytes.stdout, stderrBytes: bytes.stderr },
  };
}

export function errorOf(error: unknown): RunError {
  if (error instanceof StageFailed) return error.error;
  if (error instanceof OutputRefused) {
    return { kind: 'output', code: error.code, message: error.message };
  }
  return infrastructureError(error);
}
