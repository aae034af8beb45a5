// Databases on the run's PostgreSQL, one for each caller, gone when it drops them.
import { randomBytes } from 'node:crypto';

import { Client } from 'pg';

export interface EmptyDatabase {
  /** A superuser's URL of this database. */
  adminUrl: string;
  /** Ends its connections and removes it. Safe to call twice. */
  drop(): Promise<void>;
}

/** A database with nothing in it. */
export function emptyDatabase(): Promise<EmptyDatabase> {
  return createDatabase('template1');
}

export async function createDatabase(template: string): Promise<EmptyDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  return {
    adminUrl: urlOf(name),
    drop: async () => {
      await asAdmin((client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

/** One short session on the server's `postgres` database. */
export async function asAdmin<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: serverUrl(), connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The URL of another database, and with `user` of another login, on the run's server. */
export function urlOf(database: string, user?: { name: string; password: string }): string {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  if (user) {
    url.username = user.name;
    url.password = user.password;
  }
  return url.href;
}

function serverUrl(): string {
  const url = process.env['WRIT_TEST_DATABASE_URL'];
  if (url) return url;
  throw new Error(
    'WRIT_TEST_DATABASE_URL is not set: run the tests through .config/jest.config.cjs, ' +
      'whose global setup starts PostgreSQL',
  );
}
