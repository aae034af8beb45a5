/**
 * The log, with its doorbell: each append is published by this process right after its commit.
 * Owns neither: what cannot be published now is published by the relay, since it was not reported.
 */
import { eventSubject, type RecordedEvent } from '@writ/contracts';
import type { Append, EventLog, PublishedReporter, StoredEvent } from '@writ/event-log';
import type { Bus, Outgoing } from '@writ/messaging';
import type { Logger, MeasureAppend } from '@writ/observability';

export interface PublishingLogOptions {
  readonly bus: Pick<Bus, 'send'>;
  readonly reporter: Pick<PublishedReporter, 'published'>;
  readonly logger: Logger;
  /** Stands around each append; default: nothing does. */
  readonly measure?: MeasureAppend;
  /** The publishing service, `/writ/<service>`. */
  readonly source: string;
  /** Called after each commit of this process. */
  readonly appended?: () => void;
}

/** The message of an event; `dataText` is its canonical data, written once by the log. */
export function messageOf(event: RecordedEvent, dataText: string, source: string): Outgoing {
  const { metadata, stream, type } = event;
  return {
    subject: eventSubject(stream, type),
    dataText,
    attributes: {
      id: event.id,
      type: `writ.${stream.slice(0, stream.indexOf('-'))}.${type}`,
      source,
      subject: stream,
      time: event.recordedAt,
      correlationId: metadata.correlationId,
      causationId: metadata.causationId,
      commandId: metadata.commandId,
      actor: metadata.actor,
      traceparent: metadata.traceparent,
      position: event.position,
      version: event.version,
      schemaVersion: event.schemaVersion,
    },
  };
}

export function publishingLog(log: EventLog, options: PublishingLogOptions): EventLog {
  const { bus, reporter, logger, source, appended } = options;
  const measure: MeasureAppend = options.measure ?? ((append) => append());

  function publish(events: readonly StoredEvent[]): void {
    for (const event of events) {
      bus.send(messageOf(event, event.dataText, source)).then(
        () => reporter.published(event.position),
        (error: unknown) =>
          logger.warn({ err: error, position: event.position }, 'not published; the relay will'),
      );
    }
  }

  return {
    async append(append: Append): Promise<StoredEvent[]> {
      const stored = await measure(() => log.append(append));
      publish(stored);
      appended?.();
      return stored;
    },
    async appendInOrder(appends: readonly Append[]): Promise<StoredEvent[][]> {
      let stored: StoredEvent[][] = [];
      const events = await measure(async () => {
        stored = await log.appendInOrder(appends);
        return stored.flat();
      });
      publish(events);
      appended?.();
      return stored;
    },
    readStream: (stream, asked) => log.readStream(stream, asked),
    readAll: (asked) => log.readAll(asked),
    lastEvents: (streams) => log.lastEvents(streams),
    head: () => log.head(),
    close: () => log.close(),
  };
}
