/**
 * Follows the log and publishes what its writer did not: the process died between its commit and
 * its message, or the message server was away. Usually it reads the head and nothing else.
 *
 * R1 One relay is active, by an advisory lock; the others know as much and stand by.
 * R2 What nobody has reported a grace period after it was seen in the log is published. Both
 *    moments are read from this process's clock, so no clocks are compared.
 * R3 The cursor moves over what is known to be published only, so a relay that dies costs messages
 *    sent twice (their ids are the event ids) and none that is never sent.
 */
import type { EventLog, StoredEvent } from './event-log';
import { LockSession } from './lock-session';
import { LoopStop } from './loop-stop';
import { backoffMs } from './postgres-trouble';
import type { PositionRange } from './position-ranges';
import { PublishedTracker } from './published-tracker';

export interface RelayOptions {
  readonly url: string;
  readonly log: Pick<EventLog, 'head' | 'readAll'>;
  /** Resolves when the message server has the event. */
  readonly publish: (event: StoredEvent) => Promise<void>;
  /** How long a writer has to publish by itself. Default 1,000. */
  readonly graceMs?: number;
  /** How often the head is looked at. Default 250. */
  readonly everyMs?: number;
  /** Published at a time. Default 64. */
  readonly concurrency?: number;
  readonly onError?: (error: unknown) => void;
}

export class Relay {
  /** Reports go in here, whether this relay is active or stands by. */
  readonly tracker = new PublishedTracker();
  /** Events published by this relay, for metrics. */
  published = 0;
  lastError: unknown;

  private readonly session: LockSession;
  private readonly loop = new LoopStop();
  private readonly working: Promise<void>;
  private heads: { at: number; position: number }[] = [];
  private head = 0;
  private saved = 0;

  constructor(private readonly options: RelayOptions) {
    this.session = new LockSession({
      url: options.url,
      name: 'relay',
      applicationName: 'writ relay',
    });
    this.working = this.work();
  }

  get active(): boolean {
    return this.session.holds;
  }

  /** Events in the log that are not known to be published; 0 where another relay is active. */
  get lag(): number {
    return this.active ? Math.max(0, this.head - this.tracker.cursor) : 0;
  }

  async stop(): Promise<void> {
    this.loop.stop();
    await this.working;
    await this.session.close();
  }

  private async work(): Promise<void> {
    const { everyMs = 250 } = this.options;
    for (let failures = 0; !this.loop.stopped;) {
      try {
        await this.round();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.lastError = error;
        this.options.onError?.(error);
      }
      const restMs = this.active ? everyMs : Math.max(everyMs, 1_000);
      await this.loop.wait(failures === 0 ? restMs : backoffMs(failures, everyMs, 5_000));
    }
  }

  private async round(): Promise<void> {
    const wasActive = this.active;
    if (!(await this.session.tryHold()) || !wasActive) {
      const [row] = await this.session.query<{ position: string }>(
        'select position from log.relay_cursor',
      );
      this.saved = Number(row?.position ?? 0);
      this.tracker.advanceTo(this.saved);
    }
    if (!this.active) return; // R1
    this.head = (await this.options.log.head()).position;
    for (const range of this.tracker.missing(this.dueUpTo())) await this.publishRange(range);
    await this.save();
  }

  /** R2: the head as it was a grace period ago, or earlier. */
  private dueUpTo(): number {
    const now = performance.now();
    this.heads.push({ at: now, position: this.head });
    const { graceMs = 1_000 } = this.options;
    const due = this.heads.findLastIndex(({ at }) => now - at >= graceMs);
    if (due > 0) this.heads.splice(0, due);
    return due < 0 ? 0 : this.heads[0]!.position;
  }

  private async publishRange([first, last]: PositionRange): Promise<void> {
    const { log, concurrency = 64 } = this.options;
    for (let after = first - 1; after < last && !this.loop.stopped;) {
      const limit = Math.min(concurrency, last - after);
      const events = await log.readAll({ after, limit });
      if (events.length === 0) throw new Error(`the log has no event after ${after}, but a head`);
      await Promise.all(events.map((event) => this.publishOne(event)));
      after += events.length;
    }
  }

  private async publishOne(event: StoredEvent): Promise<void> {
    await this.options.publish(event);
    this.tracker.published(event.position); // R3
    this.published += 1;
  }

  private async save(): Promise<void> {
    const { cursor } = this.tracker;
    if (cursor === this.saved) return;
    await this.session.query('update log.relay_cursor set position = $1 where position < $1', [
      cursor,
    ]);
    this.saved = cursor;
  }
}
