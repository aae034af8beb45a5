/**
 * The connections of a service that appends: content store, bus, log, and the log's doorbell. Owns
 * the order in which they open and close, what makes the service ready, and their metrics.
 */
import { ContentError, openFolderStore, type ContentStore } from '@writ/content-store';
import { subjects, Unavailable } from '@writ/contracts';
import { openPostgresLog, PublishedReporter, type EventLog } from '@writ/event-log';
import { connectJetStreamBus, type Bus, type ClaimCheck } from '@writ/messaging';
import { busMetrics, logMetrics, type ReadinessCheck, type StopStep } from '@writ/observability';
import { publishingLog } from './publishing-log';
import type { Host, ProcessConfig } from './run-service';

export interface ConnectConfig extends ProcessConfig {
  readonly DATABASE_URL: string;
  readonly NATS_URL: string;
  readonly NATS_TOKEN?: string | undefined;
  readonly WRIT_CONTENT_DIR: string;
}

export interface Connections {
  readonly content: ContentStore;
  readonly bus: Bus;
  /** Publishes what it appends. */
  readonly log: EventLog;
  /** What this process appends; for those who follow the log. */
  readonly appends: Appends;
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  /** For after the bus was drained. */
  readonly stop: readonly StopStep[];
}

/** Throws with the name of what cannot be reached. */
export async function connect<C extends ConnectConfig>(host: Host<C>): Promise<Connections> {
  const { config, logger, registry, service, seams } = host;
  const content = seams.area('content', await openFolderStore(config.WRIT_CONTENT_DIR));
  const { measure, committed } = logMetrics(registry);
  const stored = await openPostgresLog({
    url: config.DATABASE_URL,
    applicationName: `writ ${service}`,
    warn: (message) => logger.warn(message),
    committed,
  });
  const bus = seams.bus(
    await connectJetStreamBus({
      servers: config.NATS_URL,
      token: config.NATS_TOKEN,
      name: service,
      claimCheck: claimCheckOf(content),
      logger,
      metrics: busMetrics(registry),
      onClosed: host.onClosed,
    }),
  );
  const broadcast = (bytes: Uint8Array) => bus.broadcast(subjects.published, bytes);
  const reporter = new PublishedReporter({ broadcast });
  const appends = new Appends();
  const source = `/writ/${service}`;
  const appended = () => appends.tell();
  const log = publishingLog(seams.log(stored), {
    bus,
    reporter,
    logger,
    measure,
    source,
    appended,
  });
  return {
    content,
    bus,
    log,
    appends,
    checks: { database: () => stored.head(), messages: () => bus.health() },
    stop: [
      { name: 'report what was published', limitMs: 1_000, run: () => reporter.flush() },
      { name: 'close the log', limitMs: 5_000, run: () => stored.close() },
      { name: 'close the content store', limitMs: 2_000, run: () => content.close() },
    ],
  };
}

/** Payloads too large for a message are content like any other. */
export function claimCheckOf(content: ContentStore): ClaimCheck {
  return {
    put: async (bytes) => (await reach(content.put(bytes))).digest,
    get: (digest) => reach(content.get(digest)),
  };
}

/** A disk that cannot be read or written says nothing about the message at hand: it waits. */
async function reach<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (cause) {
    const { code, message } = cause as ContentError;
    const away =
      cause instanceof ContentError && (code === 'cannot_read' || code === 'cannot_write');
    throw away ? new Unavailable(message, { cause }) : cause;
  }
}

/** Tells whoever wants to know that this process has appended something. */
export class Appends {
  private readonly listeners: (() => void)[] = [];

  listen(listener: () => void): void {
    this.listeners.push(listener);
  }

  tell(): void {
    for (const listener of this.listeners) listener();
  }
}
