/**
 * One connection that works on the tables of one schema: of a follower, or of a rebuild. A TypeORM
 * data source of its own, so that what belongs to the session (locks, temporary tables, the search
 * path) is never met by anybody else. Thrown away at the first error.
 */
import { endsWithin } from '@writ/contracts';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

/** How long a session may take to close before it is left behind. */
const CLOSE_MS = 2_000;

export interface ProjectionSessionOptions {
  readonly url: string;
  readonly schema: string;
  readonly applicationName: string;
  /** Settings of this session beside those of the role. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Without a reply for so long, the connection counts as broken. Default 20,000. */
  readonly replyTimeoutMs?: number;
}

export class ProjectionSession {
  private constructor(
    private readonly database: DataSource,
    private readonly runner: QueryRunner,
  ) {}

  static async open(options: ProjectionSessionOptions): Promise<ProjectionSession> {
    const typeorm = await import('typeorm'); // only who has read models waits for it to load
    const database = new typeorm.DataSource({
      type: 'postgres',
      logger: 'debug', // errors are thrown, not printed
      url: options.url,
      applicationName: options.applicationName,
      connectTimeoutMS: 3_000,
      poolErrorHandler: () => undefined, // the statement under way, or the next one, says so
      extra: {
        max: 1,
        idleTimeoutMillis: 0,
        query_timeout: options.replyTimeoutMs ?? 20_000,
        keepAlive: true,
      },
    });
    await database.initialize();
    const session = new ProjectionSession(database, database.createQueryRunner());
    try {
      await session.query(`set search_path = ${identifier(options.schema)}`);
      for (const [name, value] of Object.entries(options.settings ?? {})) {
        await session.query('select set_config($1, $2, false)', [name, value]);
      }
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  query<R = Record<string, unknown>[]>(text: string, values: unknown[] = []): Promise<R> {
    return this.runner.query(text, values) as Promise<R>;
  }

  async transaction<T>(
    work: (tx: EntityManager) => Promise<T>,
    isolation: 'READ COMMITTED' | 'REPEATABLE READ' = 'READ COMMITTED',
  ): Promise<T> {
    await this.runner.startTransaction(isolation);
    try {
      const result = await work(this.runner.manager);
      await this.runner.commitTransaction();
      return result;
    } catch (error) {
      // The error that counts is the one that led here; the session ends in any case.
      await this.runner.rollbackTransaction().catch(() => undefined);
      throw error;
    }
  }

  async close(): Promise<void> {
    const closing = this.runner.release().then(() => this.database.destroy());
    await endsWithin(CLOSE_MS, closing);
  }
}

/** A name of ours as SQL. Throws for one that would need quoting. */
export function identifier(name: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(name)) return name;
  throw new Error(`${JSON.stringify(name)} is not a name of a schema or a table (a-z, 0-9, _)`);
}
