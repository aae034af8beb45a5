/** Makes a StoredEvent, the same whether it was just appended or read years later. */
import type { EventMetadata } from '@writ/contracts';
import type { StoredEvent } from './event-log';
import type { EventTexts, PreparedAppend } from './prepare-append';

export interface Recorded {
  /** Of the append's first event. */
  readonly position: number;
  readonly recordedAt: string;
  readonly hashes: readonly string[];
}

/** What was just appended: its texts say what was prepared, so they are not read. */
export function storedEvents(append: PreparedAppend, recorded: Recorded): StoredEvent[] {
  return append.events.map((event, index) => ({
    position: recorded.position + index,
    stream: append.stream,
    version: append.expectedVersion + index + 1,
    id: event.id,
    type: event.type,
    schemaVersion: event.schemaVersion,
    data: event.data,
    metadata: event.metadata,
    recordedAt: recorded.recordedAt,
    hash: recorded.hashes[index] ?? '',
    dataText: event.dataText,
  }));
}

export interface Place {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly recordedAt: string;
  readonly hash: string;
}

/** By its texts; `metadata` when somebody has read that text before. */
export function storedEvent(
  event: EventTexts,
  place: Place,
  metadata = JSON.parse(event.metadataText) as EventMetadata,
): StoredEvent {
  return {
    position: place.position,
    stream: place.stream,
    version: place.version,
    id: event.id,
    type: event.type,
    schemaVersion: event.schemaVersion,
    data: JSON.parse(event.dataText) as unknown,
    metadata,
    recordedAt: place.recordedAt,
    hash: place.hash,
    dataText: event.dataText,
  };
}
