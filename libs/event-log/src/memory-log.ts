/**
 * The log in memory: for tests and for the simulator. Keeps texts only, as the database does, so
 * that nobody holds an event that another one could change. Time is injected.
 */
import { hash } from 'node:crypto';
import { GENESIS_HASH, hashedText, TerminalError, VersionConflict } from '@writ/contracts';
import {
  limitOf,
  type Append,
  type EventLog,
  type LogHead,
  type ReadAll,
  type ReadStream,
  type StoredEvent,
} from './event-log';
import { LogUnavailable } from './log-errors';
import { prepareAppend, type EventTexts, type PreparedAppend } from './prepare-append';
import { storedEvent, type Place } from './stored-event';

export interface MemoryLogOptions {
  readonly now?: () => Date;
}

interface Row {
  readonly event: EventTexts;
  readonly place: Place;
}

export class MemoryLog implements EventLog {
  private readonly rows: Row[] = [];
  private readonly streams = new Map<string, Row[]>();
  private readonly ids = new Set<string>();
  private readonly now: () => Date;
  private closed = false;

  constructor(options: MemoryLogOptions = {}) {
    this.now = options.now ?? (() => new Date());
  }

  async append(append: Append): Promise<StoredEvent[]> {
    this.assertOpen();
    return this.appendNow(prepareAppend(append));
  }

  async appendInOrder(appends: readonly Append[]): Promise<StoredEvent[][]> {
    this.assertOpen();
    const stored: StoredEvent[][] = [];
    for (const prepared of appends.map(prepareAppend)) {
      try {
        stored.push(this.appendNow(prepared));
      } catch (error) {
        if (error instanceof VersionConflict) break;
        throw error;
      }
    }
    return stored;
  }

  private appendNow(prepared: PreparedAppend): StoredEvent[] {
    const stream = this.streams.get(prepared.stream) ?? [];
    if (stream.length !== prepared.expectedVersion) {
      const repeated = this.repeated(prepared, stream);
      if (repeated !== undefined) return repeated.map(stored);
      throw new VersionConflict(prepared.stream, prepared.expectedVersion, stream.length);
    }
    const reused = prepared.events.find(({ id }) => this.ids.has(id));
    if (reused !== undefined) {
      throw new TerminalError(
        'event_id_reused',
        `${prepared.stream}: ${reused.id} stands elsewhere`,
      );
    }
    return this.write(prepared, stream).map(stored);
  }

  async readStream(stream: string, options: ReadStream = {}): Promise<StoredEvent[]> {
    this.assertOpen();
    const after = options.afterVersion ?? 0;
    const rows = this.streams.get(stream) ?? [];
    return rows.slice(after, after + limitOf(options)).map(stored);
  }

  async readAll(options: ReadAll = {}): Promise<StoredEvent[]> {
    this.assertOpen();
    const limit = limitOf(options);
    const { after = 0, maxBytes = Infinity, streamPrefixes: prefixes, types } = options;
    const found: StoredEvent[] = [];
    let bytes = 0;
    for (let at = after; at < this.rows.length && found.length < limit; at += 1) {
      const row = this.rows[at]!;
      if (prefixes && !prefixes.some((prefix) => row.place.stream.startsWith(prefix))) continue;
      if (types && !types.includes(row.event.type)) continue;
      found.push(stored(row));
      bytes += Buffer.byteLength(row.event.dataText);
      if (bytes >= maxBytes) break;
    }
    return found;
  }

  async lastEvents(streams: readonly string[]): Promise<StoredEvent[]> {
    this.assertOpen();
    return [...new Set(streams)].flatMap((name) => {
      const last = this.streams.get(name)?.at(-1);
      return last === undefined ? [] : [stored(last)];
    });
  }

  async head(): Promise<LogHead> {
    this.assertOpen();
    return this.lastPlace();
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private repeated(append: PreparedAppend, stream: readonly Row[]): Row[] | undefined {
    const { expectedVersion, events } = append;
    const there = stream.slice(expectedVersion, expectedVersion + events.length);
    const same = events.every(({ id }, index) => there[index]?.event.id === id);
    return same ? there : undefined;
  }

  private write(append: PreparedAppend, stream: Row[]): Row[] {
    this.streams.set(append.stream, stream);
    const recordedAt = this.now().toISOString().replace('Z', '000Z');
    const rows: Row[] = [];
    for (const event of append.events) {
      const { position, hash: previous } = this.lastPlace();
      const { id, type, schemaVersion } = event;
      const at = {
        position: position + 1,
        stream: append.stream,
        version: stream.length + 1,
        recordedAt,
      };
      const header = { ...at, id, type, schemaVersion };
      const text = hashedText(header, event.dataText, event.metadataText, previous);
      const row = { event, place: { ...at, hash: hash('sha256', text) } };
      this.ids.add(id);
      stream.push(row);
      this.rows.push(row);
      rows.push(row);
    }
    return rows;
  }

  private lastPlace(): LogHead {
    const last = this.rows.at(-1)?.place;
    return { position: last?.position ?? 0, hash: last?.hash ?? GENESIS_HASH };
  }

  private assertOpen(): void {
    if (this.closed) throw new LogUnavailable('the log is closed');
  }
}

function stored(row: Row): StoredEvent {
  return storedEvent(row.event, row.place);
}
