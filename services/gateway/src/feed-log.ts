/** A log in memory as the feed reads it, for its specs. Not part of the service. */
import type { RecordedEvent } from '@writ/contracts';
import { QueryError } from '@writ/messaging';

import { EventFeed, type FeedOptions, type Follower } from './event-feed';

/** A log, its doorbell, and a note of every time it was read. */
export class FeedLog {
  readonly events: RecordedEvent[] = [];
  readonly reads: { after: number; at: number }[] = [];
  /** Events that one answer can hold. */
  largest = Infinity;
  listeners = 0;
  rang: (position?: number) => void = () => undefined;
  /** Runs before a reading looks at the log, and before its answer comes back. */
  beforeLook: () => Promise<void> | void = () => undefined;
  beforeAnswer: () => Promise<void> | void = () => undefined;

  append(stream = 'directive-aaaaaaaaaaaaaaaa'): void {
    const position = this.events.length + 1;
    this.events.push({ position, stream, type: 'X' } as RecordedEvent);
  }

  feed(options: FeedOptions = {}): EventFeed {
    return new EventFeed(
      async ({ after, limit, directiveId }) => {
        this.reads.push({ after, at: performance.now() });
        const looked = this.beforeLook();
        if (looked !== undefined) await looked;
        const mine = directiveId === undefined ? '' : directiveId;
        const events = this.events
          .filter((it) => it.position > after && it.stream.includes(mine))
          .slice(0, limit);
        if (events.length > this.largest) throw new QueryError('too_large', 'ask for fewer');
        const page = { events, headPosition: this.events.length };
        await this.beforeAnswer();
        return page;
      },
      async (rang) => {
        this.listeners += 1;
        this.rang = rang;
        return { close: async () => void (this.listeners -= 1) };
      },
      { gapMs: 20, pollMs: 60_000, pageSize: 3, ...options },
    );
  }
}

/** Who follows, and what was handed over. */
export function reader() {
  const seen: number[] = [];
  const leave = new AbortController();
  const follower: Follower = {
    signal: leave.signal,
    take: (event) => void seen.push(event.position),
    drained: async () => undefined,
  };
  return { seen, follower, leave: () => leave.abort() };
}

/** The positions between two. */
export const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);
