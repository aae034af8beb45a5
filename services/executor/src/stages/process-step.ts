/**
 * Processing: tries the program, again where that is worth it, and says how it ended. Owns the tries
 * of one run; what one of them does is in `try-program.ts`. What they leave in the workspace stays
 * there for the next one.
 */
import {
  pause,
  type AttemptRecord,
  type Clock,
  type RunError,
  type RunResult,
  type Usage,
} from '@writ/contracts';
import type { RunWork } from '@writ/contracts';
import { retryDelayMs } from '@writ/domain';
import { addUsage, exceeds } from './reported-usage';
import type { ProcessEnd, Said } from '@writ/programs';
import type { ActiveRun } from '../active-runs';

export interface ProcessTools {
  readonly clock: Clock;
  readonly random: () => number;
  /** Notes a try that failed and is followed by another. */
  readonly noteAttempt: (attempt: AttemptRecord) => Promise<void>;
}

/** One try as it ended. */
export interface Tried {
  readonly end: ProcessEnd;
  readonly error?: RunError;
  /** Paths that the program reported. */
  readonly reported: readonly string[];
  readonly said: Said;
  /** As somebody else says who did the work. */
  readonly usage?: Usage;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Nobody should ask again earlier. */
  readonly retryAfterMs?: number;
}

export interface Processed {
  readonly result: RunResult;
  readonly error?: RunError;
  readonly attempts: readonly AttemptRecord[];
  readonly exitCode: number | null;
  readonly signal?: string;
  readonly reported: readonly string[];
  readonly said: Said;
  readonly usage?: Usage;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** The run belongs to somebody else, or will: nothing more of it is ours to say. */
export class RunLost extends Error {
  constructor(runId: string, why: string) {
    super(`run ${runId} is given up: ${why}`);
    this.name = 'RunLost';
  }
}

/**
 * `tryOnce` is given the number of the try, from 1, and what those before it have used. Throws
 * RunLost.
 */
export async function processStep(
  work: RunWork,
  run: ActiveRun,
  claim: number,
  tryOnce: (attempt: number, used: Usage | undefined) => Promise<Tried>,
  { clock, random, noteAttempt }: ProcessTools,
): Promise<Processed> {
  const attempts: AttemptRecord[] = [];
  let usage: Usage | undefined;
  for (let attempt = 1; ; attempt += 1) {
    // However long it took to come here: nothing is started that another one may run by now.
    if (run.endUnlessOurs(clock.now()) && run.stoppedBy === 'lost') throw lost(work, run);
    const startedAt = clock.time();
    const { end, error, said, reported, ...tried } = await tryOnce(attempt, usage);
    const { exitCode, signal: name } = end;
    const record = { attempt, claim, startedAt, durationMs: Math.round(end.durationMs), exitCode };
    const ended: AttemptRecord = {
      ...record,
      ...(name && { signal: name }),
      ...(error && { error }),
    };
    usage = addUsage(usage, tried.usage);
    const { metadata, retryAfterMs } = tried;
    const done = { exitCode, signal: name, reported, said, usage, metadata };
    if (error === undefined) return { result: 'success', attempts: [...attempts, ended], ...done };
    const failed = { error, exitCode, said: `${said.last.stdout}\n${said.last.stderr}` };
    const waitMs =
      ['cancelled', 'budget'].includes(error.kind) || exceeds(usage, work.reserved)
        ? undefined
        : later(retryDelayMs(work.retry, attempt, failed, random()), retryAfterMs);
    if (waitMs === undefined) {
      return { result: resultOf(error), error, attempts: [...attempts, ended], ...done };
    }
    attempts.push({ ...ended, retryInMs: waitMs });
    await noteAttempt({ ...ended, retryInMs: waitMs });
    await pause(clock, waitMs, run.waiting).catch(() => undefined);
    if (run.stoppedBy === 'cancelled') {
      return { result: 'cancelled', error: cancellation(), attempts, ...done };
    }
    if (run.waiting.aborted) throw lost(work, run);
  }
}

/** Who asks for more time than this is asked again all the same. */
const LONGEST_AFTER_MS = 300_000;

const later = (waitMs: number | undefined, afterMs = 0) =>
  waitMs === undefined ? undefined : Math.max(waitMs, Math.min(afterMs, LONGEST_AFTER_MS));

export const cancellation = (): RunError => ({
  kind: 'cancelled',
  code: 'cancelled',
  message: 'the step was cancelled',
});

function resultOf({ kind }: RunError): RunResult {
  if (kind === 'timeout') return 'timed_out';
  return kind === 'cancelled' ? 'cancelled' : 'failed';
}

export function lost({ runId }: RunWork, run: ActiveRun): RunLost {
  if (run.stoppedBy === 'shutdown' || (run.leaving.aborted && run.stoppedBy === undefined)) {
    return new RunLost(runId, 'this process stops');
  }
  return new RunLost(runId, 'its lease is lost');
}
