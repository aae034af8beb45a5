/**
 * One of several: a session that tries to hold a named advisory lock, as long as its connection
 * lives. Whoever dies, hangs up or loses the network lets go, since the lock is the connection's.
 */
import { Client } from 'pg';
import { abandonClient, endClient } from './leave-client';

/** How long the server may take to part. */
const CLOSE_MS = 1_000;

/** With the name of the lock as $1; answers `held`. */
export const TRY_LOCK = 'select pg_try_advisory_lock(7364173, hashtext($1)) as held';

export interface LockSessionOptions {
  readonly url: string;
  readonly name: string;
  readonly applicationName: string;
  readonly connectTimeoutMs?: number;
  readonly replyTimeoutMs?: number;
}

export class LockSession {
  private client: Client | undefined;
  private held = false;

  constructor(private readonly options: LockSessionOptions) {}

  get holds(): boolean {
    return this.held;
  }

  /** True when this session holds the lock now; connects when it must. Throws when it cannot. */
  async tryHold(): Promise<boolean> {
    if (this.held) return true;
    const [row] = await this.query<{ held: boolean }>(TRY_LOCK, [this.options.name]);
    this.held = row?.held === true;
    return this.held;
  }

  /** A query on the connection of the lock; an error gives the connection up, and the lock. */
  async query<R extends object>(text: string, values: unknown[] = []): Promise<R[]> {
    const client = this.client ?? (await this.connect());
    try {
      return (await client.query<R>(text, values)).rows;
    } catch (error) {
      this.drop(client);
      throw error;
    }
  }

  async close(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.held = false;
    if (client !== undefined) await endClient(client, CLOSE_MS);
  }

  private async connect(): Promise<Client> {
    const { url, applicationName, connectTimeoutMs = 3_000, replyTimeoutMs = 5_000 } = this.options;
    const client = new Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: replyTimeoutMs,
      keepAlive: true,
    });
    client.on('error', () => this.drop(client)); // the next query says so
    try {
      await client.connect();
    } catch (error) {
      abandonClient(client);
      throw error;
    }
    this.client = client;
    return client;
  }

  private drop(client: Client): void {
    if (this.client === client) {
      this.client = undefined;
      this.held = false;
    }
    abandonClient(client);
  }
}
