/**
 * What every event carries whatever it says: who caused it, in which stream, at which place of the
 * one log. Owns the envelope; the events of an aggregate are in the file of that aggregate.
 */
import { z } from 'zod';

/** Who did it. A person decides, a service reacts, an agent works. */
export const Actor = z.object({
  kind: z.enum(['person', 'service', 'agent']),
  id: z.string().min(1).max(200),
});
export type Actor = z.infer<typeof Actor>;

export const EventMetadata = z.object({
  /** The command that led here; the same command id never takes effect twice. */
  commandId: z.string(),
  /** The directive it belongs to: one id for all that follows from one request. */
  correlationId: z.string(),
  /** The event or message that was the immediate cause, if there was one. */
  causationId: z.string().optional(),
  actor: Actor,
  /** W3C trace context, so that one directive is one trace. */
  traceparent: z.string().optional(),
});
export type EventMetadata = z.infer<typeof EventMetadata>;

/** An event about to be appended. `id` is a UUID, made once, kept over retries. */
export interface NewEvent<T extends string = string, D = unknown> {
  readonly id: string;
  readonly type: T;
  readonly schemaVersion: number;
  readonly data: D;
  readonly metadata: EventMetadata;
}

/**
 * An event as the log keeps it. `position` counts all events from 1 without a gap, in commit order;
 * `version` counts those of its stream from 1; `recordedAt` is the database's time (RFC 3339, UTC,
 * microseconds).
 */
export interface RecordedEvent<T extends string = string, D = unknown> extends NewEvent<T, D> {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
  readonly recordedAt: string;
  /** SHA-256, lower-case hex; see `hashedText`. Absent on an event that arrived as a message. */
  readonly hash?: string;
}

/** The hash before the first event. */
export const GENESIS_HASH = '0'.repeat(64);

/**
 * The text whose SHA-256 is an event's hash: the RFC 8785 text of the event with the hash of the
 * event before it as `previous`. `dataText` and `metadataText` are canonical already.
 */
export function hashedText(
  event: Omit<RecordedEvent, 'data' | 'metadata' | 'hash'>,
  dataText: string,
  metadataText: string,
  previous: string,
): string {
  return (
    `{"data":${dataText},"id":"${event.id}","metadata":${metadataText}` +
    `,"position":${event.position},"previous":"${previous}","recordedAt":"${event.recordedAt}"` +
    `,"schemaVersion":${event.schemaVersion},"stream":"${event.stream}","type":"${event.type}"` +
    `,"version":${event.version}}`
  );
}
