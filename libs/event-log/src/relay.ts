/**
 * Follows the log and publishes what its writer did not: the process died between its commit and
 * its message, or the message server was away. Usually it reads the head and nothing else.
 *
 * R1 One relay is active, the one on its seat (`seats.ts`); the others know as much and stand by.
 * R2 What nobody has reported a grace period after it was seen in the log is published. Both
 *    moments are read from this process's clock, so no clocks are compared.
 * R3 The cursor moves over what is known to be published only, so a relay that dies costs messages
 *    sent twice (their ids are the event ids) and none that is never sent.
 * R4 An event that cannot be published holds up its cursor, not what comes after it. Two batches in
 *    a row of which nothing goes out mean that the message server is away: then the round ends.
 * R5 Nobody can have published what the log does not have. Reports beyond its head are of another
 *    log (a backup was restored, or two stacks share a message server) and none of them counts.
 */
import { systemClock, type Clock } from '@writ/contracts';
import type { EventLog, StoredEvent } from './event-log';
import { LoopStop } from './loop-stop';
import { backoffMs } from './postgres-trouble';
import { PAGE_BYTES } from './projection';
import { PublishedTracker } from './published-tracker';
import type { RelaySeat, Seats } from './seats';

export interface RelayOptions {
  readonly seats: Pick<Seats, 'relay'>;
  readonly log: Pick<EventLog, 'head' | 'readAll'>;
  /** Resolves when the message server has the event. */
  readonly publish: (event: StoredEvent) => Promise<void>;
  /** How long a writer has to publish by itself. Default 1,000. */
  readonly graceMs?: number;
  /** How often the head is looked at; half as often when there was nothing new. Default 250. */
  readonly everyMs?: number;
  /** Published at a time. Default 64. */
  readonly concurrency?: number;
  readonly onError?: (error: unknown) => void;
  readonly clock?: Clock;
  /** 0 up to 1, so that not all try again at once. */
  readonly random?: () => number;
}

export class Relay {
  /** Reports go in here, whether this relay is active or stands by. */
  readonly tracker = new PublishedTracker();
  /** Events published by this relay, for metrics. */
  published = 0;
  lastError: unknown;

  private readonly seat: RelaySeat;
  private readonly clock: Clock;
  private readonly loop: LoopStop;
  private readonly working: Promise<void>;
  private heads: { at: number; position: number }[] = [];
  private head = 0;
  private saved = 0;

  constructor(private readonly options: RelayOptions) {
    this.seat = options.seats.relay();
    this.clock = options.clock ?? systemClock;
    this.loop = new LoopStop(this.clock);
    this.working = this.work();
  }

  get active(): boolean {
    return this.seat.holds;
  }

  /** Events in the log that are not known to be published; 0 where another relay is active. */
  get lag(): number {
    return this.active ? Math.max(0, this.head - this.tracker.cursor) : 0;
  }

  async stop(): Promise<void> {
    this.loop.stop();
    await this.working;
    await this.seat.close();
  }

  private async work(): Promise<void> {
    const { everyMs = 250, random } = this.options;
    for (let failures = 0; !this.loop.stopped;) {
      try {
        await this.round();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.failed(error);
      }
      const idle = this.lag === 0 ? 2 : 1;
      const restMs = this.active ? everyMs * idle : Math.max(everyMs, 1_000);
      await this.loop.wait(failures === 0 ? restMs : backoffMs(failures, everyMs, 5_000, random));
    }
  }

  private async round(): Promise<void> {
    const wasActive = this.active;
    if (!(await this.seat.tryHold()) || !wasActive) {
      const cursor = await this.seat.cursor();
      if (cursor < this.saved) this.startOver(cursor); // R5: in one log it never goes back
      this.saved = cursor;
      this.tracker.advanceTo(cursor);
    }
    if (!this.active) return; // R1
    await this.lookAtHead();
    await this.publishMissing(this.dueUpTo());
    await this.save();
  }

  private async lookAtHead(): Promise<void> {
    const { highest } = this.tracker; // before the head is read, so that it cannot be ahead
    this.head = (await this.options.log.head()).position;
    if (this.head >= highest) return;
    this.startOver(Math.min(await this.seat.cursor(), this.head)); // R5
    this.failed(
      new Error(
        `position ${highest} was reported as published, but the log ends at ${this.head}: was a ` +
          'backup restored, or do two stacks share one message server? Publishing again',
      ),
    );
  }

  private startOver(position: number): void {
    this.saved = position;
    this.tracker.startOver(position);
    this.heads = [];
  }

  private failed(error: unknown): void {
    this.lastError = error;
    this.options.onError?.(error);
  }

  /** R2: the head as it was a grace period ago, or earlier. */
  private dueUpTo(): number {
    const now = this.clock.now();
    this.heads.push({ at: now, position: this.head });
    const { graceMs = 1_000 } = this.options;
    const due = this.heads.findLastIndex(({ at }) => now - at >= graceMs);
    if (due > 0) this.heads.splice(0, due);
    return due < 0 ? 0 : this.heads[0]!.position;
  }

  private async publishMissing(upTo: number): Promise<void> {
    const { concurrency = 64 } = this.options;
    const failures: unknown[] = [];
    let inARow = 0;
    for (const [first, last] of this.tracker.missing(upTo)) {
      for (let after = first - 1; after < last && this.active && !this.loop.stopped;) {
        const events = await this.read(after, Math.min(concurrency, last - after));
        const failed = await this.publishAll(events);
        failures.push(...failed.slice(0, 1));
        inARow = failed.length === events.length ? inARow + 1 : 0;
        if (inARow === 2) throw failures.at(-1); // R4
        await this.save();
        after += events.length;
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  private async read(after: number, limit: number): Promise<StoredEvent[]> {
    const events = await this.options.log.readAll({ after, limit, maxBytes: PAGE_BYTES });
    if (events.length === 0) throw new Error(`the log has no event after ${after}, but a head`);
    return events;
  }

  /** Returns why events could not be published. */
  private async publishAll(events: readonly StoredEvent[]): Promise<unknown[]> {
    const outcomes = await Promise.allSettled(events.map((event) => this.publishOne(event)));
    return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  }

  private async publishOne(event: StoredEvent): Promise<void> {
    await this.options.publish(event);
    this.tracker.published(event.position); // R3
    this.published += 1;
  }

  private async save(): Promise<void> {
    const cursor = Math.min(this.tracker.cursor, this.head); // R5
    if (cursor <= this.saved) return;
    await this.seat.save(cursor);
    this.saved = cursor;
  }
}
