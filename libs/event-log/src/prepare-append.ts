/**
 * What may stand in the log at all, and its one text. Each event is canonicalised here, once; both
 * logs, the hash and the messages use these texts. It knows nothing of versions or of storage.
 */
import {
  canonical,
  NotCanonicalError,
  TerminalError,
  type Canonical,
  type EventMetadata,
  type NewEvent,
} from '@writ/contracts';
import type { Append } from './event-log';

/** Data and metadata of one event, in UTF-8. Larger things go to the content store, by digest. */
export const MAX_EVENT_BYTES = 4 * 1024 * 1024;
const MAX_APPEND_BYTES = 32 * 1024 * 1024;
export const MAX_APPEND_EVENTS = 10_000;

const STREAM = /^[a-z]+-[A-Za-z0-9_-]{1,200}$/;
const TYPE = /^[A-Z][A-Za-z0-9]{0,63}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_INT = 2 ** 31 - 1;

/** An event by its texts, as the database keeps it. */
export interface EventTexts {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly dataText: string;
  readonly metadataText: string;
}

/** With what its texts say, so that whoever appended it need not read them. */
export interface PreparedEvent extends EventTexts {
  readonly data: unknown;
  readonly metadata: EventMetadata;
}

export interface PreparedAppend {
  readonly stream: string;
  readonly expectedVersion: number;
  readonly events: readonly PreparedEvent[];
  /** Goes in only when the append before it in the same commit did. */
  readonly follows?: boolean;
  /** Of data and metadata together. */
  readonly bytes: number;
}

/** Throws TerminalError for what can never be stored. */
export function prepareAppend(append: Append): PreparedAppend {
  const { stream, expectedVersion } = append;
  if (!STREAM.test(stream)) {
    throw refuse('bad_stream', `${quote(stream)} is not a stream name, such as run-abc1`);
  }
  if (!Number.isInteger(expectedVersion) || expectedVersion < 0 || expectedVersion >= MAX_INT) {
    throw refuse('bad_version', `${stream}: ${expectedVersion} is not a version (0, 1, 2, ...)`);
  }
  const count = append.events.length;
  if (count === 0 || count > MAX_APPEND_EVENTS) {
    const limits = `an append has 1 to ${MAX_APPEND_EVENTS} events`;
    throw refuse('bad_append', `${stream}: ${limits}, this one has ${count}`);
  }
  let bytes = 0;
  let before: PreparedEvent | undefined;
  const events = append.events.map((event, index) => {
    // The events of one decision share their metadata: its text is written once.
    const shared = event.metadata === append.events[index - 1]?.metadata;
    const prepared = prepareEvent(stream, event, shared ? before : undefined);
    before = prepared;
    const size = Buffer.byteLength(prepared.dataText) + Buffer.byteLength(prepared.metadataText);
    if (size > MAX_EVENT_BYTES) {
      throw tooLarge(`${stream}: ${event.type} has ${size} bytes`, MAX_EVENT_BYTES);
    }
    bytes += size;
    return prepared;
  });
  if (bytes > MAX_APPEND_BYTES) {
    throw tooLarge(`${stream}: ${count} events together have ${bytes} bytes`, MAX_APPEND_BYTES);
  }
  if (new Set(events.map(({ id }) => id)).size < count) {
    throw refuse('bad_event_id', `${stream}: two events of one append have the same id`);
  }
  return { stream, expectedVersion, events, bytes };
}

function prepareEvent(stream: string, event: NewEvent, sharing?: PreparedEvent): PreparedEvent {
  const { id, type, schemaVersion } = event;
  if (!TYPE.test(type)) {
    throw refuse('bad_type', `${stream}: ${quote(type)} is not an event type, such as RunEnded`);
  }
  if (!UUID.test(id)) {
    throw refuse('bad_event_id', `${stream}: ${type} has the id ${quote(id)}, not a UUID`);
  }
  if (!Number.isInteger(schemaVersion) || schemaVersion < 1 || schemaVersion > MAX_INT) {
    throw refuse('bad_schema_version', `${stream}: ${type} has the version ${schemaVersion}`);
  }
  const data = canonicalOf(stream, type, 'data', event.data);
  const texts = { id, type, schemaVersion, data: data.value, dataText: data.text };
  if (sharing !== undefined) {
    return { ...texts, metadata: sharing.metadata, metadataText: sharing.metadataText };
  }
  const metadata = canonicalOf(stream, type, 'metadata', event.metadata);
  return { ...texts, metadata: metadata.value as EventMetadata, metadataText: metadata.text };
}

/** A part of an event with its text. Throws TerminalError where there is none. */
export function canonicalOf(stream: string, type: string, part: string, value: unknown): Canonical {
  try {
    return canonical(value);
  } catch (error) {
    if (!(error instanceof NotCanonicalError)) throw error;
    throw refuse('not_json', `${stream}: the ${part} of ${type}: ${error.message}`);
  }
}

function tooLarge(what: string, limit: number): TerminalError {
  const cure = 'put what is large into the content store and refer to it by digest';
  return refuse('too_large', `${what}, the limit is ${limit}; ${cure}`);
}

function quote(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 100));
}

function refuse(code: string, message: string): TerminalError {
  return new TerminalError(code, message);
}
