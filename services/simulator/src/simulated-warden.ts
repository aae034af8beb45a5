/**
 * The warden of a simulated process: as `@writ/programs` has it, without a process of its own. It
 * strikes when the heartbeats of its owner stay away, which only a standstill makes them do.
 */
import { every } from '@writ/contracts';
import type { SimulatedProcess } from './simulated-process';
import type { VirtualTime } from './virtual-time';

const BEAT_MS = 1_000;

export class SimulatedWarden {
  private lastBeat: number;
  private lastStall = Number.NEGATIVE_INFINITY;
  private until = Number.POSITIVE_INFINITY;
  private leftMs: () => number = () => Number.POSITIVE_INFINITY;
  private readonly strikes: (() => void)[] = [];

  constructor(
    private readonly process: SimulatedProcess,
    time: VirtualTime,
    private readonly limitMs: number,
  ) {
    const { clock } = process;
    this.lastBeat = clock.now();
    every(clock, BEAT_MS, () => {
      this.noteStall();
      this.lastBeat = clock.now();
      this.until = this.lastBeat + Math.max(0, this.leftMs());
      if (this.until <= this.lastBeat) this.strike();
    });
    process.onStill((still, ms) => {
      const left = Math.min(this.lastBeat + limitMs, this.until) - clock.now();
      if (still && ms > left) time.after(left, () => this.strike());
    });
  }

  limitBy(leftMs: () => number): void {
    this.leftMs = leftMs;
  }

  onStrike(call: () => void): void {
    this.strikes.push(call);
  }

  /** Since that moment of the process's clock. */
  mayHaveStruck(since: number): boolean {
    this.noteStall();
    return this.lastStall >= since;
  }

  private strike(): void {
    for (const call of this.strikes) call();
  }

  private noteStall(): void {
    const now = this.process.clock.now();
    const late = now - this.lastBeat >= this.limitMs * 0.9;
    if (late || now >= this.until) this.lastStall = now;
  }
}
