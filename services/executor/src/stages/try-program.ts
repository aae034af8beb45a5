/**
 * One try of a program: starts it in the sandbox, takes what it says, and tells how it ended, in the
 * words of the run.
 */
import { join } from 'node:path';
import type { Clock, RunError, RunWork, Usage } from '@writ/contracts';
import {
  endMarked,
  launcherComplaint,
  redactText,
  runProcess,
  StdoutFile,
  type ProcessEnd,
  type ProcessOptions,
  type Said,
  type Transcript,
} from '@writ/programs';
import type { ActiveRun } from '../active-runs';
import type { StepHost } from '../open-programs';
import type { WorkFolder } from '../work-folders';
import { ReportedArtifacts } from '../workspaces/collect-artifacts';
import { InsideFolder, PathRefused } from '../workspaces/inside-folder';
import type { CompiledProgram } from './compile-step';
import { cancellation, lost, RunLost, type Tried } from './process-step';
import { addUsage, exceeds, overBudget, ReportedUsage } from './reported-usage';

export interface TryTools {
  readonly programs: StepHost;
  readonly transcript: Transcript;
  readonly clock: Clock;
  /** By the tries before. */
  readonly used: Usage | undefined;
}

/** Who says at his end what he has used is given the time to come to it. */
const END_BY_ITSELF_MS = 500;

/** Throws RunLost. */
export async function tryProgram(
  work: RunWork,
  run: ActiveRun,
  attempt: number,
  compiled: CompiledProgram,
  workspace: string,
  folder: WorkFolder,
  tools: TryTools,
): Promise<Tried> {
  const { programs, transcript, clock, used } = tools;
  const { needles, counters, sandbox } = programs;
  const reported = new ReportedArtifacts();
  let kept: StdoutFile | undefined;
  let takeBack = (): void => undefined;
  const usage = new ReportedUsage({
    odd: (message) => transcript.note(message),
    told: () => {
      if (!exceeds(addUsage(used, usage.total), work.reserved)) return;
      takeBack();
      takeBack = clock.after(END_BY_ITSELF_MS, () => run.end('budget'));
    },
  });
  transcript.begin(`${work.runId}, try ${attempt}, sandbox ${sandbox.level}: ${compiled.shown}`);
  try {
    if (compiled.stdoutTo !== undefined) {
      const redaction = { needles, redacted: counters.redacted, patterns: false };
      kept = await StdoutFile.create(
        join(folder.own, 'stdout'),
        programs.maxOutputBytes,
        redaction,
      );
    }
    const end = await runProgram(work, run, compiled, tools, async (stream, piece) => {
      counters.wrote(stream, piece.length);
      transcript.take(stream, piece);
      if (stream === 'stderr') return;
      reported.take(piece);
      usage.take(piece);
      await kept?.take(piece);
    });
    const said = transcript.end();
    reported.end();
    usage.end();
    takeBack();
    if (end.stoppedBy === 'lost' || end.stoppedBy === 'shutdown') throw lost(work, run);
    const error =
      spent(end, addUsage(used, usage.total), work) ??
      troubleOf(end, said, work) ??
      (await layStdout(kept, compiled, workspace));
    transcript.note(endNote(end, said, error));
    const clean = error && {
      ...error,
      message: redactText(error.message, { needles, patterns: true }),
    };
    const { total } = usage;
    return { end: exitOf(end, said), error: clean, reported: reported.paths, said, usage: total };
  } catch (thrown) {
    if (thrown instanceof RunLost) throw thrown;
    const said = transcript.end();
    const error = infrastructureError(thrown);
    transcript.note(error.message);
    const { total } = usage;
    return { end: { exitCode: null, durationMs: 0 }, error, reported: [], said, usage: total };
  } finally {
    takeBack();
    await kept?.close();
  }
}

async function runProgram(
  work: RunWork,
  run: ActiveRun,
  compiled: CompiledProgram,
  { programs }: TryTools,
  take: ProcessOptions['take'],
): Promise<ProcessEnd> {
  const { sandbox, pipes, warden, graceMs, counters } = programs;
  const end = await runProcess({
    launch: sandbox.launch(compiled.run),
    ...{ pipes, warden, graceMs, take },
    stdinFile: compiled.stdinFile,
    timeoutMs: work.timeoutMs,
    stop: run.stop,
    started: (seconds) => counters.started(sandbox.level, seconds),
  });
  if (sandbox.level === 'S0') endMarked('WRIT_RUN', work.runId);
  return end;
}

function spent(
  { stoppedBy }: ProcessEnd,
  usage: Usage | undefined,
  { reserved }: RunWork,
): RunError | undefined {
  if (stoppedBy !== 'budget' || usage === undefined || reserved === undefined) return undefined;
  return { kind: 'budget', code: 'over_reservation', message: overBudget(usage, reserved) };
}

/** Trouble of this machine: a full disk, no more processes, no more memory. */
export function infrastructureError(thrown: unknown): RunError {
  const { code, message } = thrown as NodeJS.ErrnoException;
  const known =
    typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code.toLowerCase() : 'failed';
  const about = message ?? String(thrown);
  return { kind: 'infrastructure', code: known, message: `the executor had trouble: ${about}` };
}

/** In the words of the run, what was wrong with how it ended; undefined when nothing was. */
export function troubleOf(
  end: ProcessEnd,
  said: Said,
  { timeoutMs }: Pick<RunWork, 'timeoutMs'>,
): RunError | undefined {
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

function endNote(end: ProcessEnd, said: Said, error: RunError | undefined): string {
  const how = end.signal === undefined ? `exit code ${end.exitCode ?? 'none'}` : end.signal;
  const { stdout, stderr } = said.bytes;
  const bytes = `${stdout} bytes of stdout, ${stderr} of stderr`;
  const why = error === undefined || error.kind === 'exit' ? '' : `; ${error.message}`;
  return `${how} after ${(end.durationMs / 1000).toFixed(3)} s; ${bytes}${why}`;
}
