/** Rows of `log.event` as queries of this library return them: texts only, in this order. */
import type { EventMetadata } from '@writ/contracts';
import type { StoredEvent } from './event-log';
import { storedEvent } from './stored-event';

export const eventColumns = `e.position, e.stream, e.version, e.id, e.type, e.schema_version,
  e.data, e.metadata, to_char(e.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  encode(e.hash, 'hex')`;

/** Of rows of `log.event` those before which, by position, there is less data than `maxBytes`. */
export const withinBytes = (rows: string, maxBytes: string) => `select ${eventColumns}
  from (
    select r.*, sum(octet_length(r.data)) over (order by r.position rows unbounded preceding)
      - octet_length(r.data) as bytes_before
    from (${rows}) r
  ) e
  where e.bytes_before < ${maxBytes}
  order by e.position`;

export type EventRow = [
  position: string,
  stream: string,
  version: string,
  id: string,
  type: string,
  schemaVersion: string,
  data: string,
  metadata: string,
  recordedAt: string,
  hash: string,
];

/** For `query`: rows as arrays, values as the texts that the server sends. */
export const asTexts = {
  rowMode: 'array' as const,
  types: { getTypeParser: () => (value: string | Buffer) => value },
};

export function eventsOfRows(rows: readonly EventRow[]): StoredEvent[] {
  const events: StoredEvent[] = [];
  rows.forEach((row, index) => {
    // The events of one decision share their metadata, and mostly stand side by side.
    const shares = row[METADATA] === rows[index - 1]?.[METADATA];
    events.push(eventOfRow(row, shares ? events[index - 1]?.metadata : undefined));
  });
  return events;
}

const METADATA = 7;

/** Positions stay exact as numbers up to 2^53. */
function eventOfRow(row: EventRow, known?: EventMetadata): StoredEvent {
  const [position, stream, version, id, type, schemaVersion, data, metadata, recordedAt, hash] =
    row;
  return storedEvent(
    {
      id,
      type,
      schemaVersion: Number(schemaVersion),
      dataText: data,
      metadataText: metadata,
    },
    { position: Number(position), stream, version: Number(version), recordedAt, hash },
    known,
  );
}
