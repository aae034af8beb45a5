/**
 * Brings a database up to date: roles, the log, the services' schemas. Run by one command before
 * the services start, never by a service.
 *
 * M1 Of several at once on one database one works and the others wait for it: an advisory lock on
 *    the only connection, so that the lock cannot outlive or predecease the work.
 * M2 The schema changes of one call are one transaction: a crash in the middle leaves nothing.
 * M3 Roles belong to the server, not to the database, and are made before, each step repeatable.
 */
import type { DataSource } from 'typeorm';
import { createRoles, type Passwords } from './create-roles';
import { migrations } from './migrations';
import { placeOf, reasonOf } from './postgres-trouble';
import { OWNER_ROLE } from './service-roles';

export interface MigrateOptions {
  /** A superuser, or a role that may create roles and owns the database. */
  readonly adminUrl: string;
  /** Passwords of the services' roles; those left out stay as they are. */
  readonly passwords?: Passwords;
  /** How long to wait for another migration of the same database. Default 60,000. */
  readonly waitMs?: number;
}

export interface MigrateReport {
  /** Roles that were not there before. */
  readonly roles: string[];
  /** Names of the migrations that were applied now. */
  readonly applied: string[];
}

/** Any constant: whoever migrates asks for this lock. */
const LOCK = 7_364_171;

export async function migrate(options: MigrateOptions): Promise<MigrateReport> {
  const typeorm = await import('typeorm');
  const database = new typeorm.DataSource({
    type: 'postgres',
    logger: 'debug', // errors are thrown, not printed
    url: options.adminUrl,
    schema: 'log',
    migrations,
    migrationsTableName: 'migration',
    connectTimeoutMS: 10_000,
    extra: { max: 1, idleTimeoutMillis: 0 }, // M1
  });
  try {
    await database.initialize();
  } catch (cause) {
    const place = placeOf(options.adminUrl);
    throw new Error(`cannot connect to ${place}: ${reasonOf(cause)}`, { cause });
  }
  try {
    await waitForTurn(database, options.waitMs ?? 60_000);
    const roles = await createRoles(database, options.passwords ?? {}); // M3
    await database.query(`create schema if not exists log authorization ${OWNER_ROLE}`);
    const applied = await database.runMigrations({ transaction: 'all' }); // M2
    return { roles, applied: applied.map(({ name }) => name) };
  } finally {
    await database.destroy();
  }
}

async function waitForTurn(database: DataSource, waitMs: number): Promise<void> {
  await database.query(`set lock_timeout = ${Math.max(1, Math.round(waitMs))}`);
  try {
    await database.query('select pg_advisory_lock($1)', [LOCK]);
  } catch (error) {
    if ((error as { code?: string }).code !== '55P03') throw error;
    throw new Error(
      `another migration has held this database for ${waitMs} ms; ` +
        'look for it in pg_stat_activity, end it if it hangs, and start again',
      { cause: error },
    );
  }
}
