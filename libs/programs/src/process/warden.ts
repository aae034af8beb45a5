/**
 * The warden: one small process that ends the programs of its owner, an executor or a verifier, when
 * the owner cannot. Owns the promise that no program outlives the owner's right to it by much:
 *
 * W1 The owner is killed: its pipe to the warden closes, every program it had is killed at once.
 * W2 The owner is stopped or stuck: its heartbeats stay away for `limitMs`, and every program is
 *    killed. An executor's limit is less than what is left of any lease then, so that this comes
 *    before another executor starts the program.
 *    Less may be left already when the standstill begins: each heartbeat says how much (`limitBy`).
 * W3 A program is made known before it starts (its start gate is opened after that), so none is
 *    missed, and the warden is alive whenever a program starts.
 * W4 There is none while there is nothing to guard, some time after the last program: a process that
 *    only waits takes as much memory as one that works.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ProcessId } from './process-tree';
import { wardenProgram } from './warden-program';

export interface WardenOptions {
  /** Without a heartbeat for so long it kills everything it knows. */
  readonly limitMs: number;
  /** Default: each second, and at least four times within the limit. */
  readonly beatMs?: number;
  /** Without programs for so long it is let go. Default a minute. */
  readonly idleMs?: number;
  readonly logger: { warn(fields: object, message: string): void };
}

const REPLACED = 'the warden has died; a new one takes over';

export class Warden {
  private child: ChildProcess | undefined;
  private readonly known = new Map<number, ProcessId>();
  private beats: NodeJS.Timeout | undefined;
  private lastBeat = performance.now();
  private lastProgram = Number.NEGATIVE_INFINITY;
  private lastStall = Number.NEGATIVE_INFINITY;
  private until = Number.POSITIVE_INFINITY;
  private leftMs: () => number = () => Number.POSITIVE_INFINITY;
  private closed = false;

  constructor(private readonly options: WardenOptions) {}

  /** The warden's own process, for those who look after processes. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    this.lastBeat = performance.now();
    const { limitMs, beatMs = Math.min(1000, limitMs / 4) } = this.options;
    this.beats = setInterval(() => this.beat(), beatMs);
    this.beats.unref();
  }

  /** How long from now the programs are surely ours, as each heartbeat is to tell (W2). */
  limitBy(leftMs: () => number): void {
    this.leftMs = leftMs;
  }

  /** Makes a program known; resolves when the warden would kill it (W3). */
  async watch(target: ProcessId): Promise<void> {
    this.known.set(target.pid, target);
    this.lastProgram = performance.now();
    await this.tell({ watch: target });
  }

  forget({ pid }: ProcessId): void {
    if (this.known.delete(pid) && !this.closed) void this.tell({ forget: pid });
  }

  /** True when since that moment (`performance.now()`) heartbeats were away so long that W2 struck. */
  mayHaveStruck(since: number): boolean {
    this.noteStall();
    return this.lastStall >= since;
  }

  /** Lets the warden go; it kills what is still known. */
  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.beats);
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref(); // this process waits for it, whatever else it has to do
    const gone = once(child, 'exit');
    child.stdin?.end();
    await gone;
  }

  private noteStall(): void {
    const now = performance.now();
    // A little less than the limit: the warden's clock began a little earlier.
    const late = now - this.lastBeat >= this.options.limitMs * 0.9;
    if (late || now >= this.until) this.lastStall = now;
  }

  private beat(): void {
    this.noteStall();
    this.lastBeat = performance.now();
    if (this.isIdle()) return this.letGo();
    const leftMs = Math.max(0, this.leftMs());
    this.until = this.lastBeat + leftMs;
    void this.tell({ beat: leftMs === Number.POSITIVE_INFINITY ? {} : { leftMs } });
  }

  private isIdle(): boolean {
    if (this.known.size > 0) this.lastProgram = this.lastBeat;
    return this.lastBeat - this.lastProgram >= (this.options.idleMs ?? 60_000);
  }

  /** W4: knows nothing any more, and ends by itself. */
  private letGo(): void {
    this.until = Number.POSITIVE_INFINITY;
    this.child?.stdin?.end();
    this.child = undefined;
  }

  /** A dead warden is replaced before anything else is started. */
  private ensure(): ChildProcess {
    const { child } = this;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) return child;
    if (child !== undefined) {
      this.options.logger.warn({ pid: child.pid }, REPLACED);
    }
    const source = `(${wardenProgram.toString()})(${this.options.limitMs})`;
    const next = spawn(process.execPath, ['--max-semi-space-size=1', '-e', source], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
      cwd: '/',
      // Not in our group: what stops or interrupts that must not reach the warden.
      detached: true,
    });
    next.on('error', (error) => {
      this.options.logger.warn({ err: error }, 'the warden could not be started');
    });
    next.stdin?.on('error', () => undefined); // a dead one is seen by its exit
    next.unref();
    (next.stdin as unknown as { unref?(): void } | null)?.unref?.();
    this.child = next;
    for (const target of this.known.values()) void this.write(next, { watch: target });
    return next;
  }

  /** A warden that cannot be reached is as good as dead; the next one is told (W3). */
  private async tell(message: object): Promise<void> {
    const child = this.ensure();
    if (await this.write(child, message)) return;
    if (this.child === child) {
      child.kill('SIGKILL');
      this.child = undefined;
      this.options.logger.warn({ pid: child.pid }, REPLACED);
    }
    await this.write(this.ensure(), message);
  }

  /** Whether the kernel has it: then the warden reads it, even if we die now. */
  private write(child: ChildProcess, message: object): Promise<boolean> {
    return new Promise((resolve) => {
      if (child.stdin === null) resolve(false);
      else child.stdin.write(`${JSON.stringify(message)}\n`, (error) => resolve(!error));
    });
  }
}
