/**
 * The log: what it promises, whatever keeps it. Two implementations stand under it, PostgreSQL
 * (`postgres-log.ts`) and memory (`memory-log.ts`); `event-log.conformance.ts` asks both the same.
 *
 * L1 Positions are 1, 2, 3, ... without a gap, in commit order: whoever has read up to a position
 *    has read everything that will ever stand at or before it.
 * L2 An append goes in whole or not at all, and only when its stream is at the expected version.
 * L3 Appending the same events (the same ids at the same versions) again answers as the first time.
 * L4 What was appended is never changed or removed.
 * L5 An append that fails, for whatever reason, does not touch the appends beside it.
 */
import type { NewEvent, RecordedEvent } from '@writ/contracts';

export interface Append {
  readonly stream: string;
  /** The version that the stream must have: 0 when it must not exist yet. */
  readonly expectedVersion: number;
  readonly events: readonly NewEvent[];
}

/** A recorded event with the canonical text of its data, so that nobody writes it a second time. */
export interface StoredEvent extends RecordedEvent {
  readonly dataText: string;
}

export interface ReadStream {
  /** Events above this version only. Default 0. */
  readonly afterVersion?: number;
  readonly limit?: number;
}

export interface ReadAll {
  /** Events above this position only. Default 0. */
  readonly after?: number;
  /** At most so many, 1 to 10,000. Default 1,000. */
  readonly limit?: number;
  /** Only streams whose name starts with one of these. */
  readonly streamPrefixes?: readonly string[];
}

export interface LogHead {
  readonly position: number;
  readonly hash: string;
}

export interface EventLog {
  /**
   * Appends in one commit; returns the events with their places.
   * Throws VersionConflict when the stream is elsewhere, TerminalError when an event can never be
   * stored (not JSON, too large, a bad name), any other error when the outcome is unknown or the
   * log cannot be reached: the same append may then be tried again (L3).
   */
  append(append: Append): Promise<StoredEvent[]>;
  /** Events of one stream in order of version; empty when there is no such stream. */
  readStream(stream: string, options?: ReadStream): Promise<RecordedEvent[]>;
  /** Events of all streams in order of position. */
  readAll(options?: ReadAll): Promise<RecordedEvent[]>;
  /** For each stream that exists, its last event. */
  lastEvents(streams: readonly string[]): Promise<RecordedEvent[]>;
  head(): Promise<LogHead>;
  close(): Promise<void>;
}
