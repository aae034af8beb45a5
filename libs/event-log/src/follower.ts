/**
 * Keeps a read model behind the log: reads events by position, applies them in batches.
 *
 * F1 A batch and the checkpoint that stands for it are one transaction, and the checkpoint moves
 *    only from where this follower found it: every event is applied exactly once, whoever dies.
 * F2 One follower of a name is active, the one on its seat (`seats.ts`); the others stand by and
 *    take over when that one is gone.
 * F3 What fails is tried again, with growing delays, for ever: an event is never skipped. How far
 *    it is behind, and why, is on display.
 * F4 A page is bounded by its events and by their bytes (`projection.ts`), so a long log of large
 *    events costs no more memory than a short one.
 * F5 On a busy machine it gives way to work that somebody waits for, unless somebody waits for it.
 */
import { systemClock, type Clock } from '@writ/contracts';
import type { EventLog } from './event-log';
import { LoopStop } from './loop-stop';
import { backoffMs } from './postgres-trouble';
import { readPage, type Page, type Projection } from './projection';
import type { ProjectionSeat, Seats } from './seats';
import type { SpareTime } from './spare-time';

export interface FollowerOptions {
  readonly seats: Pick<Seats, 'projection'>;
  readonly log: Pick<EventLog, 'head' | 'readAll'>;
  readonly projection: Projection;
  /** Events of one transaction, at most; fewer where they are large (F4). Default 2,000. */
  readonly pageSize?: number;
  /** Looks for events so often even when nobody wakes it. Default 1,000. */
  readonly pollMs?: number;
  /**
   * Pauses so long after a batch. What waits meanwhile goes in one: under load a row that changes ten
   * times in a second is written twice. Default 500.
   */
  readonly restMs?: number;
  /** Rests longer while the machine is busy (F5). Without it no longer than `restMs`. */
  readonly spareTime?: Pick<SpareTime, 'restAfter'>;
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
  /** 0 up to 1, so that not all try again at once. */
  readonly random?: () => number;
}

/** So soon somebody who begins to wait ends a rest. */
const LOOK_UP_MS = 100;
/** While it gives way it looks so often how far the log has gone on: what it is behind is on display. */
const LOOK_AHEAD_MS = 1_000;
/** Events of other streams move the checkpoint when there are so many of them. */
const CHECKPOINT_EVERY = 1_000;

interface Waiting {
  readonly position: number;
  readonly resolve: () => void;
}

export class Follower {
  /** True while this one applies; false while it stands by or is disconnected. */
  active = false;
  /** Everything at or before it is in the read model, as far as this process knows. */
  position = 0;
  /** Events applied by this process. */
  applied = 0;
  failures = 0;
  lastError: unknown;

  private saved = 0;
  private head = 0;
  /** Another one holds the lock. */
  private standsBy = false;
  private waiting: Waiting[] = [];
  private readonly clock: Clock;
  private readonly loop: LoopStop;
  private readonly working: Promise<void>;

  constructor(private readonly options: FollowerOptions) {
    this.clock = options.clock ?? systemClock;
    this.loop = new LoopStop(this.clock);
    this.working = this.work();
  }

  /** There may be new events. Costs nothing when called often. */
  wake(): void {
    this.loop.wake();
  }

  /** Events in the log that are not in the read model yet; 0 while another one applies them. */
  get lag(): number {
    return this.standsBy ? 0 : Math.max(0, this.head - this.position);
  }

  /** Resolves when the read model includes this position. Only of use on the active one. */
  async waitFor(position: number, timeoutMs: number): Promise<void> {
    if (this.position >= position) return;
    this.wake();
    await new Promise<void>((resolve, reject) => {
      const takeBack = this.clock.after(timeoutMs, () => {
        this.waiting = this.waiting.filter((other) => other !== waiting);
        reject(this.late(position, timeoutMs));
      });
      const waiting: Waiting = {
        position,
        resolve: () => {
          takeBack();
          resolve();
        },
      };
      this.waiting.push(waiting);
    });
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.loop.stop();
    await this.working;
  }

  private async work(): Promise<void> {
    for (let inARow = 0; !this.loop.stopped;) {
      const before = this.applied;
      try {
        await this.follow();
      } catch (error) {
        inARow = this.applied > before ? 1 : inARow + 1;
        this.failures += 1;
        this.lastError = error;
        this.options.onError?.(error);
        await this.loop.rest(backoffMs(inARow, 50, 10_000, this.options.random)); // F3
      }
    }
  }

  /** Until stopped, or until something fails. */
  private async follow(): Promise<void> {
    const { seats, projection, pollMs = 1_000, restMs = 500 } = this.options;
    const seat = await seats.projection(projection);
    try {
      while (!this.loop.stopped && !(await this.takeOver(seat))) await this.loop.rest(pollMs);
      while (!this.loop.stopped) {
        const began = this.clock.now();
        const page = await this.step(seat);
        if (page.events.length > 0) await this.giveWay(this.clock.now() - began);
        if (page.full) continue;
        if (page.events.length === 0) await this.loop.wait(pollMs);
        else if (this.waiting.length === 0) await this.loop.rest(restMs);
      }
    } finally {
      this.active = false;
      await seat.close();
    }
  }

  /** F5 */
  private async giveWay(tookMs: number): Promise<void> {
    const until = this.clock.now() + (this.options.spareTime?.restAfter(tookMs) ?? 0);
    let lookAt = this.clock.now();
    while (!this.loop.stopped && this.waiting.length === 0) {
      const left = until - this.clock.now();
      if (left <= 0) return;
      if (this.clock.now() >= lookAt) {
        this.head = Math.max(this.head, (await this.options.log.head()).position);
        lookAt = this.clock.now() + LOOK_AHEAD_MS;
      }
      await this.loop.rest(Math.min(left, LOOK_UP_MS));
    }
  }

  /** F2 */
  private async takeOver(seat: ProjectionSeat): Promise<boolean> {
    const checkpoint = await seat.take();
    this.standsBy = checkpoint === undefined;
    if (checkpoint === undefined) return false;
    this.saved = checkpoint;
    this.moveTo(checkpoint);
    this.active = true;
    return true;
  }

  private async step(seat: ProjectionSeat): Promise<Page> {
    const { log, projection, pageSize = 2_000 } = this.options;
    const page = await readPage(log, projection, this.position, pageSize);
    this.head = Math.max(page.headPosition, page.upTo);
    if (page.events.length > 0 || page.upTo - this.saved >= CHECKPOINT_EVERY) {
      await seat.advance(page, this.saved); // F1
      this.saved = page.upTo;
      this.applied += page.events.length;
    }
    this.moveTo(page.upTo);
    return page;
  }

  private moveTo(position: number): void {
    this.position = position;
    this.head = Math.max(this.head, position);
    const reached = this.waiting.filter((waiting) => waiting.position <= position);
    if (reached.length === 0) return;
    this.waiting = this.waiting.filter((waiting) => waiting.position > position);
    for (const { resolve } of reached) resolve();
  }

  private late(position: number, timeoutMs: number): Error {
    const { name } = this.options.projection;
    return new Error(
      `the read model ${name} is at ${this.position} and not at ${position} after ${timeoutMs} ms`,
      { cause: this.lastError },
    );
  }
}
