/**
 * Follows the log itself, which is true whatever becomes of processes and messages: what is measured
 * while things die is measured here. Sees each event once, in order; a database that is away is asked
 * again.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { EventLog, StoredEvent } from '@writ/event-log';
import { openLog } from './open-log';

const LOOK_EVERY_MS = 25;
const PAGE = 10_000;

export class LogWatch {
  private stopped = false;
  private readonly following: Promise<void>;

  private constructor(
    private readonly log: EventLog,
    private after: number,
    private readonly seen: (event: StoredEvent) => void,
  ) {
    this.following = this.follow();
  }

  /** Hears what is recorded from now on. */
  static async open(databaseUrl: string, seen: (event: StoredEvent) => void): Promise<LogWatch> {
    const log = await openLog(databaseUrl);
    return new LogWatch(log, (await log.head()).position, seen);
  }

  async close(): Promise<void> {
    this.stopped = true;
    await this.following;
    await this.log.close();
  }

  private async follow(): Promise<void> {
    while (!this.stopped) {
      const events = await this.log
        .readAll({ after: this.after, limit: PAGE })
        .catch(() => [] as StoredEvent[]); // away; its pool connects again
      for (const event of events) this.seen(event);
      this.after = events.at(-1)?.position ?? this.after;
      if (events.length < PAGE) await wait(LOOK_EVERY_MS);
    }
  }
}
