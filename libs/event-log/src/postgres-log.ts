/**
 * The log in PostgreSQL: one connection that appends (`append-session.ts`, `append-queue.ts`) and a
 * small pool that reads (`log-reader.ts`). What it promises is in `event-log.ts`.
 */
import { VersionConflict } from '@writ/contracts';
import { appendBatch } from './append-batch';
import { AppendQueue, defaultLimits, type QueueLimits } from './append-queue';
import { AppendSession } from './append-session';
import type { Append, EventLog, LogHead, ReadAll, ReadStream, StoredEvent } from './event-log';
import { LogReader } from './log-reader';
import { placeOf, reasonOf } from './postgres-trouble';
import { prepareAppend } from './prepare-append';

export interface PostgresLogOptions {
  /** Of a service's role: it may append and read. */
  readonly url: string;
  /** As pg_stat_activity shows it. Default `writ`. */
  readonly applicationName?: string;
  /** Connections that read. Default 3. */
  readonly readers?: number;
  /** How long a connection may take to open. Default 3,000. */
  readonly connectTimeoutMs?: number;
  /** Without a reply for so long, a connection is given up and its work repeated. Default 5,000. */
  readonly replyTimeoutMs?: number;
  /** How long a read may take with all its attempts. Default 15,000. */
  readonly readDeadlineMs?: number;
  /** Positions that one statement walks over in search of rare streams. Default 250,000. */
  readonly walk?: number;
  readonly maxAttempts?: number;
  readonly limits?: Partial<QueueLimits>;
  /** How long `close` waits in all for what is under way. Default 4,000. */
  readonly closeWithinMs?: number;
  /** Hears after each commit how many appends shared it. */
  readonly committed?: (appends: number) => void;
  /** Hears what is wrong but not fatal with the settings. Default: standard error. */
  readonly warn?: (message: string) => void;
}

/** Each connection gets so long to close, even when there is no time left. */
const PARTING_MS = 200;

/**
 * Connects and checks the settings of the session. Throws when the database cannot be reached, is
 * not migrated, or would not make commits durable.
 */
export async function openPostgresLog(options: PostgresLogOptions): Promise<PostgresLog> {
  const log = new PostgresLog(options);
  try {
    await log.open();
  } catch (cause) {
    await log.close();
    const place = placeOf(options.url);
    throw new Error(`cannot open the log at ${place}: ${reasonOf(cause)}`, { cause });
  }
  return log;
}

export class PostgresLog implements EventLog {
  private readonly session: AppendSession;
  private readonly reader: LogReader;
  private readonly queue: AppendQueue;
  private readonly closeWithinMs: number;
  private closing: Promise<void> | undefined;

  constructor(options: PostgresLogOptions) {
    const { url, applicationName = 'writ' } = options;
    const { connectTimeoutMs = 3_000, replyTimeoutMs = 5_000 } = options;
    const warn = options.warn ?? ((message: string) => process.stderr.write(`${message}\n`));
    this.session = new AppendSession({
      url,
      applicationName: `${applicationName} append`,
      connectTimeoutMs,
      replyTimeoutMs,
      warn,
    });
    this.reader = new LogReader({
      url,
      applicationName: `${applicationName} read`,
      connections: options.readers ?? 3,
      connectTimeoutMs,
      replyTimeoutMs,
      deadlineMs: options.readDeadlineMs ?? 15_000,
      walk: options.walk ?? 250_000,
    });
    const how = {
      session: this.session,
      readBack: (stream: string, afterVersion: number, limit: number) =>
        this.reader.readStream(stream, { afterVersion, limit }),
      maxAttempts: options.maxAttempts ?? 60,
      committed: (appends: number) => {
        try {
          options.committed?.(appends);
        } catch (error) {
          warn(`whoever counts the commits of the log failed: ${reasonOf(error)}`);
        }
      },
    };
    const limits = { ...defaultLimits, ...options.limits };
    this.queue = new AppendQueue((batch) => appendBatch(batch, how), limits);
    this.closeWithinMs = options.closeWithinMs ?? 4_000;
  }

  async open(): Promise<void> {
    await this.session.connect();
    try {
      await this.reader.head();
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== '42P01' && code !== '3F000') throw error;
      throw new Error('this database has no log yet; run the migrator first', { cause: error });
    }
  }

  async append(append: Append): Promise<StoredEvent[]> {
    return this.queue.add(prepareAppend(append));
  }

  async appendInOrder(appends: readonly Append[]): Promise<StoredEvent[][]> {
    const added = this.queue.addInOrder(appends.map(prepareAppend));
    return inOrder(await Promise.allSettled(added));
  }

  readStream(stream: string, options?: ReadStream): Promise<StoredEvent[]> {
    return this.reader.readStream(stream, options);
  }

  readAll(options?: ReadAll): Promise<StoredEvent[]> {
    return this.reader.readAll(options);
  }

  lastEvents(streams: readonly string[]): Promise<StoredEvent[]> {
    return this.reader.lastEvents(streams);
  }

  head(): Promise<LogHead> {
    return this.reader.head();
  }

  /** Appends that wait for their commit; for metrics. */
  get waiting(): number {
    return this.queue.length;
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    const deadline = performance.now() + this.closeWithinMs;
    const left = () => Math.max(PARTING_MS, deadline - performance.now());
    try {
      await this.queue.close(this.closeWithinMs);
    } finally {
      await this.session.close(left());
      await this.reader.close(left());
    }
  }
}

/** What went in before the first conflict. Throws what else kept one of them from going in. */
function inOrder(settled: readonly PromiseSettledResult<StoredEvent[]>[]): StoredEvent[][] {
  const stored: StoredEvent[][] = [];
  for (const outcome of settled) {
    if (outcome.status === 'fulfilled') stored.push(outcome.value);
    else if (outcome.reason instanceof VersionConflict) break;
    else throw outcome.reason;
  }
  return stored;
}
