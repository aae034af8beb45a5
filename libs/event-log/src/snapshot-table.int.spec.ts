import { testDatabase } from '@writ/testing';
import { Client } from 'pg';
import { PostgresSnapshotTable } from './postgres-snapshot-table';
import { snapshotTableConformance } from './snapshot-table.conformance';

const open = async () => {
  const database = await testDatabase();
  const client = new Client({ connectionString: database.urlFor('planner') });
  await client.connect();
  const ask = async (text: string, values: unknown[] = []) =>
    (await client.query<Record<string, unknown>>(text, values)).rows;
  const close = async () => {
    await client.end();
    await database.drop();
  };
  return { table: new PostgresSnapshotTable(ask, 'planner'), ask, close };
};

describe('snapshots in PostgreSQL', () => {
  snapshotTableConformance(open);

  it('gives a text that no form reads where the bytes are damaged', async () => {
    const { table, ask, close } = await open();
    const snapshot = { stream: 'directive-a', version: 5, position: 9, hash: 'f', shape: 1 };
    await table.write({ ...snapshot, state: '{"plain":{}}'.repeat(100) });
    await ask(`update planner.snapshot set state = set_byte(state, 20, 255 - get_byte(state, 20))`);
    expect((await table.read('directive-a'))?.state).toBe('');
    await close();
  });
});
