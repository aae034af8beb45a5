/**
 * The executor's connections to what it alone keeps: leases, reservations, the run cache. Nothing in
 * it has to survive a crash of the database by the last half second, so commits are not waited for
 * on disk. The log has connections of its own.
 */
import { Pool } from 'pg';

export function openPool(url: string, onError: (error: Error) => void = () => undefined): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: 'writ executor',
    max: 3,
    connectionTimeoutMillis: 3_000,
    query_timeout: 10_000,
    keepAlive: true,
    options: '-c synchronous_commit=off',
  });
  pool.on('error', onError); // an idle connection was lost; the next query opens another
  return pool;
}
