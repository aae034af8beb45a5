/**
 * The live feed: hands every event to everyone who follows, by position, without a gap and without
 * a duplicate. Owns when the log is read; the log itself is read by a query.
 *
 * E1 `tail`: everything up to it has been handed to all who are live. It only grows.
 * E2 The doorbell is listened to while somebody is here. One query serves all who are live, at most
 *    one within `gapMs`, after the doorbell rang; the doorbell may miss a ring, so the log is read
 *    every `pollMs` as well while somebody follows.
 * E3 Who comes in behind reads pages of its own, as fast as it takes them: whatever lies before it,
 *    nothing piles up. It goes live after a short page that was asked for when the tail was where it
 *    is now: that page held all there was up to the tail, and what comes after it comes by E2.
 * E4 Nobody is handed a position twice: each follower takes only what lies above its own.
 */
import { type RecordedEvent } from '@writ/contracts';

import { asProblem } from './http/problem-filter';

export interface EventPage {
  readonly events: readonly RecordedEvent[];
  readonly headPosition: number;
}

export interface ReadEvents {
  (question: { after: number; limit: number; directiveId?: string }): Promise<EventPage>;
}

export interface Follower {
  readonly signal: AbortSignal;
  take(event: RecordedEvent): void;
  /** Resolves when it can take more, or has left; only awaited while it is behind. */
  drained(): Promise<void>;
}

/** Listens for events; `rang` may be called with the position of one, if that is known. */
export interface Doorbell {
  (rang: (position?: number) => void): Promise<{ close(): Promise<void> }>;
}

export interface FeedOptions {
  readonly gapMs?: number;
  readonly pollMs?: number;
  readonly pageSize?: number;
  readonly onError?: (error: unknown) => void;
}

interface Page {
  readonly events: readonly RecordedEvent[];
  /** There was no more than this. */
  readonly isLast: boolean;
}

interface Live {
  readonly follower: Follower;
  readonly directiveId: string | undefined;
  position: number;
}

export class EventFeed {
  private readonly live = new Set<Live>();
  private behind = 0;
  private tail: number | undefined;
  private reading = false;
  private rungWhileReading = false;
  private lastReadAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private bell: ReturnType<Doorbell> | undefined;
  private dueAt = 0;
  private readonly gapMs: number;
  private readonly pollMs: number;
  private readonly pageSize: number;
  private readonly onError: (error: unknown) => void;

  constructor(
    private readonly read: ReadEvents,
    private readonly doorbell: Doorbell,
    { gapMs = 50, pollMs = 2_000, pageSize = 500, onError = () => undefined }: FeedOptions = {},
  ) {
    this.gapMs = gapMs;
    this.pollMs = pollMs;
    this.pageSize = pageSize;
    this.onError = onError;
  }

  get followers(): number {
    return this.live.size + this.behind;
  }

  private rang(position?: number): void {
    if (this.live.size === 0) return;
    if (position !== undefined && this.tail !== undefined && position <= this.tail) return;
    this.schedule(Math.max(0, this.lastReadAt + this.gapMs - performance.now()));
  }

  /**
   * Hands over everything after a position, then whatever comes, until the follower's signal is
   * aborted. Throws what the query throws while it is still behind.
   */
  async follow(follower: Follower, after: number, directiveId?: string): Promise<void> {
    if (follower.signal.aborted) return;
    const live: Live = { follower, directiveId, position: after };
    this.behind += 1;
    try {
      if (!(await this.catchUp(live))) return;
    } finally {
      this.behind -= 1;
      if (this.followers === 0) this.rest();
    }
    await ended(follower.signal);
    this.live.delete(live);
    if (this.followers === 0) this.rest();
  }

  /** True when it has gone live, false when it has left. */
  private async catchUp(live: Live): Promise<boolean> {
    const { follower, directiveId } = live;
    await this.listen();
    if (this.tail === undefined) {
      const { headPosition } = await this.read({ after: Number.MAX_SAFE_INTEGER, limit: 1 });
      this.tail ??= headPosition; // another may have set it while this one asked
    }
    while (!follower.signal.aborted) {
      const tailBefore: number | undefined = this.tail;
      const page = await this.pageAfter(live.position, directiveId);
      for (const event of page.events) {
        hand(live, event);
        await follower.drained();
      }
      if (page.isLast && this.tail === tailBefore) {
        if (follower.signal.aborted) return false;
        this.live.add(live); // E3
        this.schedule(this.pollMs);
        return true;
      }
    }
    return false;
  }

  /** What is too large for one answer is asked for in smaller pages. */
  private async pageAfter(after: number, directiveId?: string): Promise<Page> {
    const of = directiveId === undefined ? {} : { directiveId };
    for (let limit = this.pageSize; ; limit = Math.ceil(limit / 4)) {
      try {
        const { events } = await this.read({ after, limit, ...of });
        return { events, isLast: events.length < limit };
      } catch (error) {
        if (limit === 1 || asProblem(error).code !== 'too_large') throw error;
      }
    }
  }

  private schedule(delayMs: number): void {
    if (this.reading) {
      if (delayMs < this.pollMs) this.rungWhileReading = true;
      return;
    }
    const dueAt = performance.now() + delayMs;
    if (this.timer !== undefined && this.dueAt <= dueAt) return;
    clearTimeout(this.timer);
    this.dueAt = dueAt;
    this.timer = setTimeout(() => void this.readOn(), delayMs);
    this.timer.unref();
  }

  private async readOn(): Promise<void> {
    this.timer = undefined;
    if (this.live.size === 0 || this.tail === undefined) return;
    this.reading = true;
    this.rungWhileReading = false;
    this.lastReadAt = performance.now();
    let more = false;
    try {
      const page = await this.pageAfter(this.tail);
      for (const event of page.events) {
        this.tail = event.position;
        for (const live of this.live) hand(live, event);
      }
      more = !page.isLast;
    } catch (error) {
      this.onError(error); // the next poll tries again; who follows only waits longer
    } finally {
      this.reading = false;
    }
    if (this.live.size > 0) this.schedule(more || this.rungWhileReading ? this.gapMs : this.pollMs);
  }

  private async listen(): Promise<void> {
    const bell = (this.bell ??= this.doorbell((position) => this.rang(position)));
    try {
      await bell;
    } catch (error) {
      if (this.bell === bell) this.bell = undefined;
      throw error;
    }
  }

  /** With nobody left the tail is not kept up: the next to come asks for it anew. */
  private rest(): void {
    this.bell?.then((bell) => bell.close()).catch(this.onError);
    this.bell = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.reading) this.tail = undefined;
  }
}

function hand(live: Live, event: RecordedEvent): void {
  if (event.position <= live.position || live.follower.signal.aborted) return; // E4
  live.position = event.position;
  if (live.directiveId === undefined || belongsTo(event.stream, live.directiveId)) {
    live.follower.take(event);
  }
}

/** Streams are `<aggregate>-<directive id>` or `<aggregate>-<directive id>-...`. */
export function belongsTo(stream: string, directiveId: string): boolean {
  const subject = stream.slice(stream.indexOf('-') + 1);
  return subject === directiveId || subject.startsWith(`${directiveId}-`);
}

function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}
