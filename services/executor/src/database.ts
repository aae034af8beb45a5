/**
 * The executor's connections to what it alone keeps: leases, reservations, the run cache. Nothing in
 * it has to survive a crash of the database by the last half second, so commits are not waited for
 * on disk. The log has connections of its own.
 *
 * Every statement finds its rows by their primary keys, and its plan is made once, often while the
 * tables are nearly empty: the ways of joining that read a whole table are not even considered.
 */
import { Unavailable } from '@writ/contracts';
import { placeOf, reasonOf, troubleOf } from '@writ/event-log';
import { Pool } from 'pg';

const settings = [
  'synchronous_commit=off',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
];

/** Throws Unavailable while the database is away: the message at hand waits then. */
export type Database = Pick<Pool, 'query' | 'end'>;

export function openDatabase(
  url: string,
  onError: (error: Error) => void = () => undefined,
): Database {
  const pool = new Pool({
    connectionString: url,
    application_name: 'writ executor',
    max: 3,
    connectionTimeoutMillis: 3_000,
    query_timeout: 10_000,
    keepAlive: true,
    options: settings.map((setting) => `-c ${setting}`).join(' '),
  });
  pool.on('error', onError); // an idle connection was lost; the next query opens another
  const asking = pool.query.bind(pool) as (...asked: unknown[]) => Promise<unknown>;
  const query = async (...asked: unknown[]): Promise<unknown> => {
    try {
      return await asking(...asked);
    } catch (cause) {
      if (troubleOf(cause) === 'refused') throw cause;
      const where = `the executor's tables at ${placeOf(url)}`;
      throw new Unavailable(`${where} cannot be reached: ${reasonOf(cause)}`, { cause });
    }
  };
  return { query: query as Pool['query'], end: () => pool.end() };
}
