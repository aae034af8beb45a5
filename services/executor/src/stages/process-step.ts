/**
 * Processing: runs the program, again where that is worth it, and says how it ended. Owns the tries
 * of one run; what they leave in the workspace stays there for the next one.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { AttemptRecord, RunError, RunResult, RunWork } from '@writ/contracts';
import { retryDelayMs } from '@writ/domain';
import type { ActiveRun } from '../active-runs';
import { launcherComplaint } from '../process/read-exit';
import { runProcess, type ProcessEnd, type ProcessOptions } from '../process/run-process';
import { StdoutFile } from '../process/stdout-file';
import type { Said, Transcript } from '../process/transcript';
import type { ProgramHost } from '../program-host';
import { processesWith, signal } from '../process/process-tree';
import { redactText } from '../redaction/redactor';
import type { WorkFolder } from '../work-folders';
import { ReportedArtifacts } from '../workspaces/collect-artifacts';
import { InsideFolder, PathRefused } from '../workspaces/inside-folder';
import type { CompiledProgram } from './compile-step';

export interface ProcessTools {
  readonly programs: ProgramHost;
  readonly transcript: Transcript;
  readonly random: () => number;
  readonly time: () => string;
  readonly spawned: (seconds: number) => void;
  /** Notes a try that failed and is followed by another. */
  readonly noteAttempt: (attempt: AttemptRecord) => Promise<void>;
}

export interface Processed {
  readonly result: RunResult;
  readonly error?: RunError;
  readonly attempts: readonly AttemptRecord[];
  readonly exitCode: number | null;
  readonly signal?: string;
  /** Paths that the program reported. */
  readonly reported: readonly string[];
  readonly said: Said;
}

/** The run belongs to somebody else, or will: nothing more of it is ours to say. */
export class RunLost extends Error {
  constructor(runId: string, why: string) {
    super(`run ${runId} is given up: ${why}`);
    this.name = 'RunLost';
  }
}

/** Throws RunLost. */
export async function processStep(
  work: RunWork,
  run: ActiveRun,
  claim: number,
  compiled: CompiledProgram,
  workspace: string,
  folder: WorkFolder,
  tools: ProcessTools,
): Promise<Processed> {
  const attempts: AttemptRecord[] = [];
  for (let attempt = 1; ; attempt += 1) {
    const startedAt = tools.time();
    const tried = await tryOnce(work, run, attempt, compiled, workspace, folder, tools);
    const { end, error, said } = tried;
    const { exitCode, signal: name } = end;
    const record = { attempt, claim, startedAt, durationMs: Math.round(end.durationMs), exitCode };
    const ended: AttemptRecord = {
      ...record,
      ...(name && { signal: name }),
      ...(error && { error }),
    };
    const done = { exitCode, signal: name, reported: tried.reported, said };
    if (error === undefined) return { result: 'success', attempts: [...attempts, ended], ...done };
    const failed = { error, exitCode, said: `${said.last.stdout}\n${said.last.stderr}` };
    const pause =
      error.kind === 'cancelled'
        ? undefined
        : retryDelayMs(work.retry, attempt, failed, tools.random());
    if (pause === undefined) {
      return { result: resultOf(error), error, attempts: [...attempts, ended], ...done };
    }
    attempts.push({ ...ended, retryInMs: pause });
    await tools.noteAttempt({ ...ended, retryInMs: pause });
    tools.transcript.note(`next try in ${pause} ms`);
    await wait(pause, undefined, { signal: run.waiting }).catch(() => undefined);
    if (run.stoppedBy === 'cancelled') {
      const cancelled = cancellation();
      return { result: 'cancelled', error: cancelled, attempts, ...done };
    }
    if (run.waiting.aborted) throw lost(work, run);
  }
}

interface Tried {
  readonly end: ProcessEnd;
  readonly error?: RunError;
  readonly reported: readonly string[];
  readonly said: Said;
}

async function tryOnce(
  work: RunWork,
  run: ActiveRun,
  attempt: number,
  compiled: CompiledProgram,
  workspace: string,
  folder: WorkFolder,
  tools: ProcessTools,
): Promise<Tried> {
  const { programs, transcript } = tools;
  const { needles, redacted, sandbox } = programs;
  const reported = new ReportedArtifacts();
  let kept: StdoutFile | undefined;
  transcript.begin(`${work.runId}, try ${attempt}, sandbox ${sandbox.level}: ${compiled.shown}`);
  try {
    if (compiled.stdoutTo !== undefined) {
      const redaction = { needles, redacted, patterns: false };
      kept = await StdoutFile.create(
        join(folder.own, 'stdout'),
        programs.maxOutputBytes,
        redaction,
      );
    }
    const end = await runProgram(work, run, compiled, tools, async (stream, piece) => {
      transcript.take(stream, piece);
      if (stream === 'stderr') return;
      reported.take(piece);
      await kept?.take(piece);
    });
    const said = transcript.end();
    reported.end();
    if (end.stoppedBy === 'lost' || end.stoppedBy === 'shutdown') throw lost(work, run);
    const error = errorOf(end, said, work) ?? (await layStdout(kept, compiled, workspace));
    transcript.note(endNote(end, said, error));
    const clean = error && {
      ...error,
      message: redactText(error.message, { needles, patterns: true }),
    };
    return { end: exitOf(end, said), error: clean, reported: reported.paths, said };
  } catch (thrown) {
    if (thrown instanceof RunLost) throw thrown;
    const said = transcript.end();
    const error = infrastructureError(thrown);
    transcript.note(error.message);
    return { end: { exitCode: null, durationMs: 0 }, error, reported: [], said };
  } finally {
    await kept?.close();
  }
}

async function runProgram(
  work: RunWork,
  run: ActiveRun,
  compiled: CompiledProgram,
  { programs, spawned }: ProcessTools,
  take: ProcessOptions['take'],
): Promise<ProcessEnd> {
  const { sandbox, pipes, warden, graceMs } = programs;
  const end = await runProcess({
    launch: sandbox.launch(compiled.run),
    ...{ pipes, warden, graceMs, take },
    stdinFile: compiled.stdinFile,
    timeoutMs: work.timeoutMs,
    stop: run.stop,
    started: spawned,
  });
  if (sandbox.level === 'S0') endLeftovers(work.runId);
  return end;
}

/** Trouble of this machine: a full disk, no more processes, no more memory. */
export function infrastructureError(thrown: unknown): RunError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  const known =
    typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code.toLowerCase() : 'failed';
  const about = message ?? String(thrown);
  return { kind: 'infrastructure', code: known, message: `the executor had trouble: ${about}` };
}

function errorOf(end: ProcessEnd, said: Said, { timeoutMs }: RunWork): RunError | undefined {
  if (end.stoppedBy === 'cancelled') return cancellation();
  if (end.stoppedBy === 'timeout') {
    const message = `it did not end within ${timeoutMs} ms`;
    return { kind: 'timeout', code: 'timed_out', message };
  }
  const failure = end.failure ?? launcherComplaint(end.exitCode, said.last.stderr)?.failure;
  if (failure !== undefined) return failure;
  if (end.exitCode === 0) return undefined;
  const lastLine = said.last.stderr.trim().split('\n').at(-1) ?? '';
  const how = end.signal === undefined ? `exit code ${end.exitCode}` : `ended by ${end.signal}`;
  const code = end.signal === undefined ? `exit_${end.exitCode}` : `signal_${end.signal}`;
  return {
    kind: 'exit',
    code,
    message: lastLine === '' ? how : `${how}: ${lastLine.slice(0, 500)}`,
  };
}

/** A program that never started has no exit code, whatever the launcher's was. */
function exitOf(end: ProcessEnd, said: Said): ProcessEnd {
  const complaint = launcherComplaint(end.exitCode, said.last.stderr);
  return complaint === undefined ? end : { ...end, exitCode: null };
}

async function layStdout(
  kept: StdoutFile | undefined,
  { stdoutTo = '' }: CompiledProgram,
  workspace: string,
): Promise<RunError | undefined> {
  if (kept === undefined) return undefined;
  if (kept.isTooLarge) {
    const message = `stdout has ${kept.bytes} bytes, more than ${stdoutTo} may hold`;
    return { kind: 'output', code: 'too_large', message };
  }
  try {
    await new InsideFolder(workspace).write(stdoutTo, kept.read());
    return undefined;
  } catch (error) {
    if (error instanceof PathRefused) {
      return { kind: 'output', code: error.code, message: error.message };
    }
    throw error;
  }
}

const cancellation = (): RunError => ({
  kind: 'cancelled',
  code: 'cancelled',
  message: 'the step was cancelled',
});

function resultOf({ kind }: RunError): RunResult {
  if (kind === 'timeout') return 'timed_out';
  return kind === 'cancelled' ? 'cancelled' : 'failed';
}

function endNote(end: ProcessEnd, said: Said, error: RunError | undefined): string {
  const how = end.signal === undefined ? `exit code ${end.exitCode ?? 'none'}` : end.signal;
  const { stdout, stderr } = said.bytes;
  const bytes = `${stdout} bytes of stdout, ${stderr} of stderr`;
  const why = error === undefined || error.kind === 'exit' ? '' : `; ${error.message}`;
  return `${how} after ${(end.durationMs / 1000).toFixed(3)} s; ${bytes}${why}`;
}

function lost({ runId }: RunWork, run: ActiveRun): RunLost {
  if (run.stoppedBy === 'shutdown' || (run.leaving.aborted && run.stoppedBy === undefined)) {
    return new RunLost(runId, 'this process stops');
  }
  return new RunLost(runId, 'its lease is lost');
}

/** Without a sandbox a daemon is found by the mark that it carries, if it left that where it was. */
function endLeftovers(runId: string): void {
  for (const leftover of processesWith('WRIT_RUN', runId)) signal(leftover, 'SIGKILL');
}
