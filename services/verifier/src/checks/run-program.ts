/**
 * Runs a program to its end, or to its time limit. Owns its process group, the pipes and what is
 * kept of its output. This one puts no wall around the program (level S0).
 *
 * P1 When it returns, no process of the group is left.
 * P2 The exit decides, not the end of the output: a grandchild may hold the pipe for ever.
 * P3 All output is read and counted; of a flood only head and tail are kept.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProgramSpec {
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** Everything it finds in its environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** What it may read and what it may change, where there is a wall. */
  readonly readOnlyPaths: readonly string[];
  readonly writablePaths: readonly string[];
  readonly onOutput?: (stream: 'stdout' | 'stderr', piece: Uint8Array) => void;
  /** Ends it like the time limit; the call then throws. */
  readonly signal?: AbortSignal;
}

export interface ProgramEnd {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** stdout and stderr as they came; of much output the head and the tail. */
  readonly output: string;
  /** Of the whole output. */
  readonly bytes: number;
  readonly durationMs: number;
  /** The level of the wall around it. */
  readonly sandbox: string;
}

/** Throws ProgramNotStarted, or the signal's reason when that was aborted. */
export type RunProgram = (spec: ProgramSpec) => Promise<ProgramEnd>;

export class ProgramNotStarted extends Error {
  constructor(
    readonly program: string,
    readonly code: string,
  ) {
    super(
      code === 'ENOENT'
        ? `there is no program ${program}`
        : `the program ${program} cannot be started (${code})`,
    );
    this.name = 'ProgramNotStarted';
  }
}

const KEPT_BYTES = 128 * 1024;
const PIPES_MS = 500;

export const runProgram: RunProgram = async (spec) => {
  spec.signal?.throwIfAborted();
  const [program = '', ...rest] = spec.argv;
  const started = performance.now();
  const output = new HeadAndTail(KEPT_BYTES);
  const child = await start(program, rest, spec);
  const exited = exitOf(child);
  const closed = new Promise((resolve) => child.once('close', resolve));
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.on('data', (piece: Uint8Array) => {
      output.add(piece);
      spec.onOutput?.(stream, piece);
    });
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, spec.timeoutMs);
  const abort = () => killGroup(child);
  spec.signal?.addEventListener('abort', abort);
  try {
    const { exitCode, signal } = await exited;
    killGroup(child); // P1: what it left behind
    await Promise.race([closed, delay(PIPES_MS, undefined, { ref: false })]); // P2
    child.stdout?.destroy();
    child.stderr?.destroy();
    spec.signal?.throwIfAborted();
    const durationMs = performance.now() - started;
    const { bytes } = output;
    return {
      exitCode,
      signal,
      timedOut,
      output: output.text(),
      bytes,
      durationMs,
      sandbox: 'S0',
    };
  } finally {
    clearTimeout(timer);
    spec.signal?.removeEventListener('abort', abort);
  }
};

function start(program: string, args: string[], spec: ProgramSpec): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: spec.cwd,
      env: { ...spec.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // its own group
    });
    child.once('spawn', () => resolve(child));
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ProgramNotStarted(program, error.code ?? error.message)),
    );
  });
}

function exitOf(child: ChildProcess): Promise<{ exitCode: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // nobody is left: fine
  }
}

class HeadAndTail {
  bytes = 0;
  private readonly head: Uint8Array[] = [];
  private headBytes = 0;
  private tail: Uint8Array[] = [];
  private tailBytes = 0;

  constructor(private readonly limit: number) {}

  add(piece: Uint8Array): void {
    this.bytes += piece.length;
    const room = Math.max(0, this.limit / 2 - this.headBytes);
    const first = piece.subarray(0, room);
    if (first.length > 0) this.head.push(first);
    this.headBytes += first.length;
    if (piece.length > room) this.addToTail(piece.subarray(room));
  }

  text(): string {
    const tail = this.cutTail();
    const left = this.bytes - this.headBytes - tail.length;
    const gap = left > 0 ? [Buffer.from(`\n... ${left} bytes left out ...\n`)] : [];
    return Buffer.concat([...this.head, ...gap, tail]).toString();
  }

  private addToTail(piece: Uint8Array): void {
    this.tail.push(piece);
    this.tailBytes += piece.length;
    // Cut now and then, not for each piece.
    if (this.tailBytes > this.limit || this.tail.length > 1000) this.cutTail();
  }

  private cutTail(): Uint8Array {
    const all = Buffer.concat(this.tail);
    const kept = all.subarray(Math.max(0, all.length - this.limit / 2));
    this.tail = [Uint8Array.from(kept)]; // a copy: a view would keep all of it in memory
    this.tailBytes = kept.length;
    return kept;
  }
}
