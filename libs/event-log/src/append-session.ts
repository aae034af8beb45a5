/**
 * The one connection that appends: opens it when it is needed, sends a batch in one round trip as a
 * prepared statement without BEGIN and COMMIT around it, drops it at the first sign of trouble.
 * Tries nothing twice; `append-batch.ts` does.
 */
import { Client } from 'pg';
import { abandonClient } from './abandon-client';
import { intArray, textArray, uuidArray } from './binary-array';
import { checkSession } from './check-session';
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
  text: 'select * from log.append($1, $2, $3, $4, $5, $6, $7, $8)',
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

  constructor(private readonly options: AppendSessionOptions) {}

  async append(batch: readonly PreparedAppend[]): Promise<AppendReply[]> {
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
    } catch (error) {
      this.drop(client);
      throw error;
    }
    this.client = client;
    return client;
  }

  async close(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.end();
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
