/**
 * Group commit: appends that arrive while a commit is under way go together in the next one, so
 * that a sync of the disk is shared by all who wait for it. Owns the waiting; what a commit does
 * is given (`append-batch.ts`).
 *
 * Q1 One commit at a time, appends in the order of their arrival.
 * Q2 Nothing waits for company: an idle queue commits at the next turn of the event loop, and no
 *    timer runs.
 * Q3 Batch and queue are bounded. A batch has at least one append, however large.
 * Q4 Closing waits for what is under way, but not for ever: what is not settled in time is given up,
 *    by name, and nothing of it is begun any more.
 * Q5 Appends in order are taken in or refused together, stand in one batch one after the other, and
 *    are given up at the same moment: none ever stands behind another's predecessor.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { endsWithin } from '@writ/contracts';
import type { StoredEvent } from './event-log';
import { LogBusy, LogUnavailable } from './log-errors';
import type { PreparedAppend } from './prepare-append';

export interface PendingAppend {
  readonly append: PreparedAppend;
  /** `performance.now()` at which nobody waits any more; nothing is tried after it. */
  deadline: number;
  readonly resolve: (events: StoredEvent[]) => void;
  readonly reject: (error: Error) => void;
}

/** Settles every append of the batch, in whatever way; never throws. */
export type Commit = (batch: readonly PendingAppend[]) => Promise<void>;

export interface QueueLimits {
  readonly batchEvents: number;
  readonly batchBytes: number;
  readonly queueAppends: number;
  readonly queueBytes: number;
  /** How long an append may take in all, waiting included. */
  readonly deadlineMs: number;
}

const MIB = 1024 * 1024;
/** Streams that the error of a close that took too long names. */
const NAMED = 10;

export const defaultLimits: QueueLimits = {
  batchEvents: 512,
  batchBytes: 4 * MIB,
  queueAppends: 20_000,
  queueBytes: 128 * MIB,
  deadlineMs: 15_000,
};

export class AppendQueue {
  private waiting: PendingAppend[] = [];
  private waitingBytes = 0;
  /** Added and not settled yet. */
  private readonly open = new Set<PendingAppend>();
  private working: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly commit: Commit,
    private readonly limits: QueueLimits = defaultLimits,
  ) {}

  add(append: PreparedAppend): Promise<StoredEvent[]> {
    const [added] = this.addInOrder([append]);
    return added as Promise<StoredEvent[]>;
  }

  /** Each but the first follows the one before it (Q5). */
  addInOrder(appends: readonly PreparedAppend[]): Promise<StoredEvent[]>[] {
    const refusal = this.refusalOf(appends);
    if (refusal !== undefined) return appends.map(() => Promise.reject(refusal));
    const deadline = performance.now() + this.limits.deadlineMs;
    const added = appends.map((append, at) =>
      this.enqueue(at === 0 ? append : { ...append, follows: true }, deadline),
    );
    this.working ??= this.work();
    return added;
  }

  private refusalOf(appends: readonly PreparedAppend[]): Error | undefined {
    if (this.closed) return new LogUnavailable('the log is closed');
    const { queueAppends, queueBytes } = this.limits;
    const bytes = appends.reduce((sum, append) => sum + append.bytes, this.waitingBytes);
    const full = this.waiting.length + appends.length > queueAppends || bytes > queueBytes;
    return full ? new LogBusy(this.waiting.length, this.waitingBytes) : undefined; // Q3
  }

  private enqueue(append: PreparedAppend, deadline: number): Promise<StoredEvent[]> {
    return new Promise<StoredEvent[]>((resolve, reject) => {
      const pending: PendingAppend = {
        append,
        deadline,
        resolve: (events) => {
          this.open.delete(pending);
          resolve(events);
        },
        reject: (error) => {
          this.open.delete(pending);
          reject(error);
        },
      };
      this.open.add(pending);
      this.waiting.push(pending);
      this.waitingBytes += append.bytes;
    });
  }

  /** Appends that have not been taken yet. */
  get length(): number {
    return this.waiting.length;
  }

  /**
   * Takes nothing more and waits until all is settled. Q4: throws LogUnavailable that names the
   * streams of what is not, after so many milliseconds.
   */
  async close(withinMs: number): Promise<void> {
    this.closed = true;
    if (this.working === undefined || (await endsWithin(withinMs, this.working))) return;
    const left = [
      giveUp(this.waiting.splice(0), 'not written'),
      giveUp([...this.open], 'perhaps written'), // the batch under way
    ].filter((sentence) => sentence !== '');
    if (left.length === 0) return;
    throw new LogUnavailable(`the log was closed after ${withinMs} ms; ${left.join('; ')}`);
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      // Those whom the last commit has answered append again within this turn. Q2
      await turn();
      const batch = this.take();
      try {
        await this.commit(batch); // Q1
      } catch (error) {
        for (const { reject } of batch) reject(error as Error); // a defect must not stop the queue
      }
    }
    this.working = undefined;
  }

  private take(): PendingAppend[] {
    const { batchEvents, batchBytes } = this.limits;
    let events = 0;
    let bytes = 0;
    let count = 0;
    for (const { append } of this.waiting) {
      events += append.events.length;
      bytes += append.bytes;
      const isFull = events > batchEvents || bytes > batchBytes;
      if (count > 0 && isFull && !append.follows) break; // Q3, Q5
      count += 1;
      this.waitingBytes -= append.bytes;
    }
    return this.waiting.splice(0, count);
  }
}

/** Ends the waiting of each; names them, where there are any. */
function giveUp(pending: readonly PendingAppend[], became: string): string {
  for (const each of pending) {
    const { stream } = each.append;
    each.deadline = -Infinity;
    each.reject(new LogUnavailable(`${stream}: the log was closed, the append is ${became}`));
  }
  const streams = [...new Set(pending.map(({ append }) => append.stream))];
  const named = streams.slice(0, NAMED).join(', ') + (streams.length > NAMED ? ', ...' : '');
  return pending.length === 0 ? '' : `${became}: ${pending.length} appends (${named})`;
}
