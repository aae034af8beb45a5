/**
 * For work that nobody waits for: how long to rest after a piece of it. While the machine has time to
 * spare, not at all; while its processors have their hands full, so long that no more than a share of
 * the time goes into it. What is left behind stands in the log and is made up for later.
 *
 * It looks at the machine it runs on. Where services share none, each gives way to what is beside it.
 */
import { cpus } from 'node:os';

/** Of a busy machine's time, at most so much. */
const SHARE = 1 / 5;
/** The processors are idle for less than this share of the time: somebody waits for them. */
const BUSY_BELOW = 0.15;
const LONGEST_REST_MS = 5_000;

/** Of all processors together since they were started, in any unit. */
export interface ProcessorTimes {
  readonly idle: number;
  readonly all: number;
}

export class SpareTime {
  private before: ProcessorTimes;

  constructor(private readonly look: () => ProcessorTimes = lookAtMachine) {
    this.before = look();
  }

  /** Milliseconds to rest after a piece of work that took so many; judged since it was asked last. */
  restAfter(tookMs: number): number {
    const now = this.look();
    const all = now.all - this.before.all;
    const idle = now.idle - this.before.idle;
    this.before = now;
    if (all <= 0 || idle / all >= BUSY_BELOW) return 0;
    return Math.min(tookMs * (1 / SHARE - 1), LONGEST_REST_MS);
  }
}

function lookAtMachine(): ProcessorTimes {
  let [idle, all] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { idle, all };
}
