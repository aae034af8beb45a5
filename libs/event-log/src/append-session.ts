/**
 * The one connection that appends: opens it when it is needed, sends a batch in one round trip as a
 * prepared statement without BEGIN and COMMIT around it, drops it at the first sign of trouble.
 * Tries nothing twice; `append-batch.ts` does. After `close` nothing is sent any more.
 */
import { Client } from 'pg';
import { intArray, textArray, uuidArray } from './binary-array';
import { checkSession } from './check-session';
import { abandonClient, endClient } from './leave-client';
import { LogUnavailable } from './log-errors';
import { troubleOf } from './postgres-trouble';
import type { PreparedAppend } from './prepare-append';

export interface AppendReply {
  readonly outcome: 'appended' | 'repeated' | 'conflict';
  /** The stream's version now. */
  readonly actualVersion: number;
  /** Of the first event; only when appended. */
  readonly position: number;
  readonly recordedAt: string;
  readonly hashes: string[];
}

export interface AppendSessionOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  /** No reply within this: the connection is given up. */
  readonly replyTimeoutMs: number;
  readonly warn: (message: string) => void;
}

const statement = {
  name: 'append',
  text: 'select * from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9)',
  rowMode: 'array' as const,
  types: { getTypeParser: () => (value: string | Buffer) => value },
};

type Row = [
  outcome: string,
  actual: string,
  position: string | null,
  hashes: string | null,
  at: string,
];

export class AppendSession {
  private client: Client | undefined;
  private closed = false;

  constructor(private readonly options: AppendSessionOptions) {}

  async append(batch: readonly PreparedAppend[]): Promise<AppendReply[]> {
    if (this.closed) throw new LogUnavailable('the log is closed');
    const client = this.client ?? (await this.connect());
    try {
      const { rows } = await client.query<Row>({ ...statement, values: parametersOf(batch) });
      return rows.map(replyOf);
    } catch (error) {
      if (troubleOf(error) === 'broken') this.drop(client);
      throw error;
    }
  }

  /** Makes the connection and checks its settings now rather than with the first append. */
  async connect(): Promise<Client> {
    const { url, applicationName, connectTimeoutMs, replyTimeoutMs, warn } = this.options;
    const client = new Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: replyTimeoutMs,
      keepAlive: true,
    });
    client.on('error', () => this.drop(client)); // said again by the append that needs it
    try {
      await client.connect();
      for (const message of await checkSession(client)) warn(message);
      if (this.closed) throw new LogUnavailable('the log was closed meanwhile');
    } catch (error) {
      this.drop(client);
      throw error;
    }
    this.client = client;
    return client;
  }

  /** A statement under way is cut off. */
  async close(withinMs: number): Promise<void> {
    const client = this.client;
    this.closed = true;
    this.client = undefined;
    if (client !== undefined) await endClient(client, withinMs);
  }

  private drop(client: Client): void {
    if (this.client === client) this.client = undefined;
    abandonClient(client);
  }
}

function parametersOf(batch: readonly PreparedAppend[]): Buffer[] {
  const events = batch.length === 1 ? batch[0]!.events : batch.flatMap((append) => append.events);
  return [
    textArray(batch.map((append) => append.stream)),
    intArray(batch.map((append) => append.expectedVersion)),
    intArray(batch.map((append) => append.events.length)),
    uuidArray(events.map((event) => event.id)),
    textArray(events.map((event) => event.type)),
    intArray(events.map((event) => event.schemaVersion)),
    textArray(events.map((event) => event.dataText)),
    textArray(events.map((event) => event.metadataText)),
    intArray(batch.flatMap(({ follows }, index) => (follows ? [index + 1] : []))),
  ];
}

function replyOf([outcome, actual, position, hashes, recordedAt]: Row): AppendReply {
  return {
    outcome: outcome as AppendReply['outcome'],
    actualVersion: Number(actual),
    position: Number(position ?? 0),
    recordedAt,
    hashes: hashes?.match(/[0-9a-f]{64}/g) ?? [],
  };
}
