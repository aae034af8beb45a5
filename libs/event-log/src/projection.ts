/** A read model: tables of one service that follow from the log alone, by one piece of code. */
import type { EntityManager } from 'typeorm';
import { bytesOf, type EventLog, type StoredEvent } from './event-log';

/** Of the data of one page; a page of large events ends early. */
export const PAGE_BYTES = 8 * 1024 * 1024;

export interface Projection {
  /** Its name in the service's table of checkpoints. */
  readonly name: string;
  /** The service's schema. */
  readonly schema: string;
  /** What it writes, all of it, without the schema. Each has a primary key. */
  readonly tables: readonly string[];
  /** Only streams whose name starts with one of these; all when left out. */
  readonly streamPrefixes?: readonly string[];
  /** Only events of these types: what is not read costs nothing. All when left out. */
  readonly types?: readonly string[];
  /**
   * Applies events in order of position, each exactly once, within the transaction that also moves
   * the checkpoint. Names its tables without a schema: the same code builds the read model anew in
   * temporary tables of the same names (`rebuild.ts`). Reads no clock and makes no ids.
   */
  apply(events: readonly StoredEvent[], tx: EntityManager): Promise<void>;
}

export interface Page {
  readonly events: StoredEvent[];
  /** Everything of interest up to this position is in `events` or was before them. */
  readonly upTo: number;
  /** There may be more. */
  readonly full: boolean;
  /** Of the log, when the page was read. */
  readonly headPosition: number;
}

/** The next events of a projection. Never goes beyond `last`. */
export async function readPage(
  log: Pick<EventLog, 'head' | 'readAll'>,
  { streamPrefixes, types }: Pick<Projection, 'streamPrefixes' | 'types'>,
  after: number,
  limit: number,
  last = Infinity,
): Promise<Page> {
  // The head first: what is read after it cannot miss an event at or before it.
  const { position: headPosition } = await log.head();
  const head = Math.min(headPosition, last);
  if (head <= after) return { events: [], upTo: after, full: false, headPosition };
  const read = await log.readAll({ after, limit, maxBytes: PAGE_BYTES, streamPrefixes, types });
  const events = last === Infinity ? read : read.filter(({ position }) => position <= last);
  const end = events.at(-1)?.position ?? after;
  const cut = read.length === limit || bytesOf(read) >= PAGE_BYTES;
  const full = cut && events.length === read.length;
  return { events, upTo: full ? end : Math.max(end, head), full, headPosition };
}
