/** Makes a StoredEvent of its texts, the same whether it was just appended or read years later. */
import type { EventMetadata } from '@writ/contracts';
import type { StoredEvent } from './event-log';
import type { PreparedAppend, PreparedEvent } from './prepare-append';

export interface Recorded {
  /** Of the append's first event. */
  readonly position: number;
  readonly recordedAt: string;
  readonly hashes: readonly string[];
}

export function storedEvents(append: PreparedAppend, recorded: Recorded): StoredEvent[] {
  const stored: StoredEvent[] = [];
  append.events.forEach((event, index) => {
    const place = {
      position: recorded.position + index,
      stream: append.stream,
      version: append.expectedVersion + index + 1,
      recordedAt: recorded.recordedAt,
      hash: recorded.hashes[index] ?? '',
    };
    // The events of one decision share their metadata: it is read once.
    const before = append.events[index - 1];
    const shared = event.metadataText === before?.metadataText ? stored[index - 1] : undefined;
    stored.push(storedEvent(event, place, shared?.metadata));
  });
  return stored;
}

export interface Place {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly recordedAt: string;
  readonly hash: string;
}

export function storedEvent(
  event: PreparedEvent,
  place: Place,
  metadata?: EventMetadata,
): StoredEvent {
  return {
    position: place.position,
    stream: place.stream,
    version: place.version,
    id: event.id,
    type: event.type,
    schemaVersion: event.schemaVersion,
    data: JSON.parse(event.dataText) as unknown,
    metadata: metadata ?? (JSON.parse(event.metadataText) as EventMetadata),
    recordedAt: place.recordedAt,
    hash: place.hash,
    dataText: event.dataText,
  };
}
