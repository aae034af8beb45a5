/**
 * Runs one program to its end. Owns what counts as the end and what happens to processes:
 *
 * P1 The outcome is decided by the exit of the spawned process, an exit code or a signal, never by
 *    its pipes: whoever holds those open afterwards gets half a second of silence, then is cut off.
 * P2 Out of time, or told to stop: TERM to every process of the tree, KILL to all of it after the
 *    grace. Nothing that the program started outlives it, as far as the sandbox can see to that.
 * P3 Output is always read, so no program blocks on a full pipe; a slow taker slows the program.
 * P4 Nothing starts before the warden knows it.
 * P5 That nothing came is said only after looking: when this process has stood still, timers are due
 *    before what came meanwhile is read, so a turn of the loop is between the two.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { GATE_FD, OPTIONS_FD, REPORT_FD, type Launch } from '../sandbox/sandbox';
import type { Pipe, PipeMaker } from './open-pipe';
import { readExit, startFailure, type Exit } from './read-exit';
import { descendantsOf, identify, killGroupOf, killTree, signal } from './process-tree';
import type { ProcessId } from './process-tree';
import type { Warden } from './warden';

export interface ProcessOptions {
  readonly launch: Launch;
  readonly pipes: PipeMaker;
  readonly warden?: Warden;
  /** A file that is its stdin; without one it reads the end at once. */
  readonly stdinFile?: string;
  /**
   * Takes output as it comes; the next piece is read when the promise has resolved. Should it throw,
   * the rest of that stream is read and dropped, and the error is thrown after the end.
   */
  readonly take: (stream: 'stdout' | 'stderr', piece: Buffer) => void | Promise<void>;
  readonly timeoutMs: number;
  /** Aborted with a StopReason when it has to end. */
  readonly stop: AbortSignal;
  /** Between TERM and KILL. */
  readonly graceMs?: number;
  /** Called with the time that the sandbox took to start. */
  readonly started?: (seconds: number) => void;
}

/**
 * Why a program is ended from here; `lost`: it is not ours any more, or the warden has struck;
 * `budget`: it has used more than it may.
 */
export type StopReason = 'timeout' | 'cancelled' | 'budget' | 'lost' | 'shutdown';

export interface ProcessEnd extends Exit {
  readonly stoppedBy?: StopReason;
  readonly durationMs: number;
}

/** Between TERM and KILL. */
export const GRACE_MS: Readonly<Record<StopReason, number>> = {
  timeout: 5000,
  cancelled: 2000,
  budget: 2000,
  shutdown: 2000,
  lost: 0,
};
const ASK_EVERY_MS = 100;
const SILENCE_MS = 500;
const LONGEST_DRAIN_MS = 30_000;

export async function runProcess(options: ProcessOptions): Promise<ProcessEnd> {
  const began = performance.now();
  const stdout = await options.pipes.open();
  const stderr = await options.pipes.open();
  try {
    return await new RunningProcess(options, stdout, stderr, began).end();
  } finally {
    for (const pipe of [stdout, stderr]) {
      pipe.closeWriteEnd();
      pipe.reader.destroy();
    }
  }
}

class RunningProcess {
  private child: ChildProcess | undefined;
  private id: ProcessId | undefined;
  private stoppedBy: StopReason | undefined;
  private complaints = '';
  private report = '';
  private takeError: unknown;
  private lastOutput = 0;
  private taking = 0;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly options: ProcessOptions,
    private readonly stdout: Pipe,
    private readonly stderr: Pipe,
    private readonly began: number,
  ) {}

  async end(): Promise<ProcessEnd> {
    const { stop, timeoutMs, warden } = this.options;
    const exited = this.start();
    const drained = Promise.all([
      this.drain('stdout', this.stdout.reader),
      this.drain('stderr', this.stderr.reader),
    ]);
    const obey = () => this.terminate((stop.reason as StopReason | undefined) ?? 'cancelled');
    stop.addEventListener('abort', obey);
    let exit: Exit;
    try {
      if (stop.aborted) obey();
      this.later(timeoutMs, () => this.terminate('timeout'));
      await this.openGate();
      exit = await exited;
    } finally {
      stop.removeEventListener('abort', obey);
      for (const timer of this.timers) clearTimeout(timer);
    }
    if (this.id !== undefined) {
      killGroupOf(this.id); // P2: what is left of it, where the sandbox did not see to that
      warden?.forget(this.id);
    }
    await this.finish(drained);
    if (this.takeError !== undefined) throw this.takeError;
    if (this.stoppedBy === undefined && warden?.mayHaveStruck(this.began) === true) {
      this.stoppedBy = 'lost';
    }
    return { ...exit, stoppedBy: this.stoppedBy, durationMs: performance.now() - this.began };
  }

  private start(): Promise<Exit> {
    const { launch, stdinFile } = this.options;
    const stdin = stdinFile === undefined ? undefined : openSync(stdinFile, 'r');
    const extra: ('pipe' | 'ignore')[] = ['pipe'];
    if (launch.options !== undefined) extra.push('pipe');
    if (launch.reportsSetup) extra.push('pipe');
    try {
      const child = spawn(launch.command, [...launch.args], {
        cwd: launch.cwd,
        env: { ...launch.env },
        stdio: [stdin ?? 'ignore', this.stdout.writeFd, 'pipe', this.stderr.writeFd, ...extra],
        detached: true,
      });
      this.child = child;
      return this.watch(child);
    } catch (error) {
      return Promise.resolve(startFailure(error)); // E2BIG and the like are thrown at once
    } finally {
      if (stdin !== undefined) closeSync(stdin);
      this.stdout.closeWriteEnd();
      this.stderr.closeWriteEnd();
    }
  }

  private watch(child: ChildProcess): Promise<Exit> {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.complaints.length < 16_384) this.complaints += text;
    });
    channel<Readable>(child, REPORT_FD)
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.report += text));
    for (const stream of child.stdio) stream?.on('error', () => undefined); // EPIPE: it has ended
    return new Promise((resolve) => {
      child.on('error', (error) => resolve(startFailure(error)));
      child.on('exit', (code, name) => {
        // The side channels hold little and their writers are gone: one turn of the loop empties
        // them, and a bounded wait is enough when a survivor without a sandbox holds them open.
        void this.sideChannelsEnd(child).then(() => {
          const { complaints, report: said } = this;
          const { reportsSetup } = this.options.launch;
          const setUp = !reportsSetup || said.includes('"exit-code"');
          const stopped = this.stoppedBy !== undefined;
          resolve(readExit({ code, signal: name, complaints, setUp: setUp || stopped }));
        });
      });
    });
  }

  private async sideChannelsEnd(child: ChildProcess): Promise<void> {
    const streams = [child.stderr, channel<Readable>(child, REPORT_FD)];
    const open = streams.filter((stream) => stream !== null && !stream.destroyed);
    const ended = open.map(
      (stream) => new Promise<void>((resolve) => stream?.once('close', () => resolve())),
    );
    await Promise.race([Promise.all(ended), this.pause(SILENCE_MS)]);
    await turn(); // P5
    for (const stream of child.stdio) stream?.destroy();
  }

  private async openGate(): Promise<void> {
    const { child } = this;
    if (child?.pid === undefined) return;
    this.id = identify(child.pid);
    if (this.id === undefined) return; // it has ended already
    await this.options.warden?.watch(this.id); // P4
    if (this.stoppedBy !== undefined) {
      // The launcher reads the end instead of a word, and starts nothing.
      channel<Writable>(child, GATE_FD)?.destroy();
      return;
    }
    this.options.started?.((performance.now() - this.began) / 1000);
    const { options } = this.options.launch;
    if (options !== undefined) {
      const text = options.map((option) => `${option}\0`).join('');
      channel<Writable>(child, OPTIONS_FD)?.end(text);
    }
    channel<Writable>(child, GATE_FD)?.end('go\n');
  }

  private terminate(reason: StopReason): void {
    if (this.stoppedBy !== undefined) return;
    this.stoppedBy = reason;
    const { id } = this;
    if (id === undefined) {
      this.child?.kill('SIGKILL'); // behind the gate still
      return;
    }
    const grace = Math.min(GRACE_MS[reason], this.options.graceMs ?? Number.POSITIVE_INFINITY);
    if (grace > 0) this.askToEnd(id, new Set());
    this.later(grace, () => killTree(id));
  }

  /** TERM once to each process, to those too that come while the others end. */
  private askToEnd(id: ProcessId, asked: Set<number>): void {
    for (const member of descendantsOf(id.pid).slice(this.options.launch.wrappers - 1)) {
      if (asked.has(member.pid)) continue;
      asked.add(member.pid);
      signal(member, 'SIGTERM');
    }
    this.later(ASK_EVERY_MS, () => this.askToEnd(id, asked));
  }

  private async drain(name: 'stdout' | 'stderr', reader: Readable): Promise<void> {
    try {
      for await (const piece of reader) {
        this.taking += 1;
        if (this.takeError === undefined) await this.takePiece(name, piece as Buffer); // P3
        this.taking -= 1;
        this.lastOutput = performance.now();
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
  }

  private async takePiece(name: 'stdout' | 'stderr', piece: Buffer): Promise<void> {
    try {
      await this.options.take(name, piece);
    } catch (error) {
      this.takeError = error;
    }
  }

  /** P1: to the end of the pipes, or to half a second in which nothing came. */
  private async finish(drained: Promise<unknown>): Promise<void> {
    let done = false;
    const end = drained.finally(() => (done = true));
    const exitedAt = performance.now();
    for (;;) {
      await Promise.race([end, this.pause(50)]);
      await turn(); // P5
      const now = performance.now();
      const quiet = now - Math.max(this.lastOutput, exitedAt) >= SILENCE_MS && this.taking === 0;
      if (done || quiet || now - exitedAt >= LONGEST_DRAIN_MS) break;
    }
    for (const timer of this.timers) clearTimeout(timer);
    this.stdout.reader.destroy();
    this.stderr.reader.destroy();
    await end;
  }

  private later(ms: number, call: () => void): void {
    // A longer time than a timer can count is as good as none.
    this.timers.add(setTimeout(call, Math.min(ms, 2_147_483_647)));
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.later(ms, resolve));
  }
}

/** Node's types know five descriptors; there may be more. */
function channel<T extends Readable | Writable>(child: ChildProcess, fd: number): T | null {
  return ((child.stdio as readonly unknown[])[fd] as T | undefined) ?? null;
}
