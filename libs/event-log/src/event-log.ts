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
 * L6 Of appends in order none goes in unless all before it did, now or earlier.
 */
import type { NewEvent, RecordedEvent } from '@writ/contracts';

export interface Append {
  readonly stream: string;
  /** The version that the stream must have: 0 when it must not exist yet. */
  readonly expectedVersion: number;
  /** At least one. */
  readonly events: readonly NewEvent[];
}

/** A recorded event with the canonical text of its data, so that nobody writes it a second time. */
export interface StoredEvent extends RecordedEvent {
  readonly dataText: string;
  readonly hash: string;
}

export interface ReadStream {
  /** Events above this version only. Default 0. */
  readonly afterVersion?: number;
  /** At most so many, 1 to 10,000. Default 1,000. */
  readonly limit?: number;
}

export interface ReadAll {
  /** Events above this position only. Default 0. */
  readonly after?: number;
  /** At most so many, 1 to 10,000. Default 1,000. */
  readonly limit?: number;
  /** Ends with the event that brings the data to so many bytes: at least one. Default: no limit. */
  readonly maxBytes?: number;
  /** Only streams whose name starts with one of these. */
  readonly streamPrefixes?: readonly string[];
  /** Only events of these types. */
  readonly types?: readonly string[];
}

/** The last event's place. Position 0 and GENESIS_HASH while there is none. */
export interface LogHead {
  readonly position: number;
  readonly hash: string;
}

export interface EventLog {
  /**
   * Appends in one commit; returns the events with their places, as a read would.
   * Throws VersionConflict when the stream is elsewhere, TerminalError when an event can never be
   * stored (not JSON, too large, a bad name), LogBusy when too much is waiting (nothing was
   * written), LogUnavailable when the log cannot be reached or the outcome is unknown: the same
   * append may then be tried again (L3).
   */
  append(append: Append): Promise<StoredEvent[]>;
  /**
   * Appends to different streams, most likely in one commit; returns the events of those that went
   * in. Ends at the first one whose stream is elsewhere, which is no error; throws as `append` does.
   */
  appendInOrder(appends: readonly Append[]): Promise<StoredEvent[][]>;
  /** Events of one stream in order of version; empty when there is no such stream. */
  readStream(stream: string, options?: ReadStream): Promise<StoredEvent[]>;
  /** Events of all streams in order of position. */
  readAll(options?: ReadAll): Promise<StoredEvent[]>;
  /** For each stream that exists, its last event; in no particular order. */
  lastEvents(streams: readonly string[]): Promise<StoredEvent[]>;
  head(): Promise<LogHead>;
  /**
   * Waits for the appends under way, for a bounded time; later calls are refused. Throws
   * LogUnavailable that names what was not written by then.
   */
  close(): Promise<void>;
}

const DEFAULT_LIMIT = 1_000;
export const MAX_LIMIT = 10_000;

/** The limit of a read. Throws RangeError when it is not within 1 to 10,000. */
export function limitOf(options: { readonly limit?: number }): number {
  const limit = options.limit ?? DEFAULT_LIMIT;
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new RangeError(`a read of the log takes 1 to ${MAX_LIMIT} events at a time, not ${limit}`);
}

/** Of the data alone, as `maxBytes` counts. */
export function bytesOf(events: readonly StoredEvent[]): number {
  return events.reduce((sum, { dataText }) => sum + Buffer.byteLength(dataText), 0);
}
