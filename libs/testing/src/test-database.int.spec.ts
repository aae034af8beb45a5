import { Client } from 'pg';

import { asAdmin, emptyDatabase } from './empty-database';
import { testDatabase } from './test-database';

async function query(url: string, sql: string): Promise<Array<Record<string, unknown>>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const nameOf = (url: string): string => new URL(url).pathname.slice(1);
const exists = async (name: string): Promise<boolean> =>
  asAdmin(async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    return found.rowCount === 1;
  });

describe('databases for tests', () => {
  test('callers at the same moment get a migrated database each', async () => {
    const databases = await Promise.all(Array.from({ length: 4 }, () => testDatabase()));
    expect(new Set(databases.map(({ adminUrl }) => adminUrl)).size).toBe(4);
    const tables = `SELECT count(*)::int AS tables FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`;
    const counts = await Promise.all(databases.map(({ adminUrl }) => query(adminUrl, tables)));
    const first = counts[0]?.[0]?.['tables'];
    expect(first).toBeGreaterThan(0);
    expect(counts).toEqual(Array(4).fill([{ tables: first }]));
    await Promise.all(databases.map((database) => database.drop()));
  });

  test('each service comes in by its own login', async () => {
    const database = await testDatabase();
    for (const service of ['planner', 'executor', 'verifier', 'manifest'] as const) {
      const rows = await query(database.urlFor(service), 'SELECT current_user AS login');
      expect(rows).toEqual([{ login: `writ_${service}` }]);
    }
    await database.drop();
  });

  test('an empty database is empty, and gone with its connections when it is dropped', async () => {
    const database = await emptyDatabase();
    const client = new Client({ connectionString: database.adminUrl });
    client.on('error', () => undefined); // cut off by the drop
    await client.connect();
    await client.query('CREATE TABLE mine ()');
    await database.drop();
    await database.drop();
    expect(await exists(nameOf(database.adminUrl))).toBe(false);
  });
});
