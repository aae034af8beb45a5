import { testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import type { ContentStore } from './content-store';
import { describeContentStore } from './content-store.conformance';
import { layeredStore } from './layered-store';
import { openMemoryStore } from './memory-store';
import { openPostgresStore } from './postgres-store';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.drop());

describeContentStore('in PostgreSQL', {
  open: async () => openPostgresStore({ url: database.urlFor('verifier') }),
});

describeContentStore('of PostgreSQL and another', {
  open: async () => {
    const small = openPostgresStore({ url: database.urlFor('manifest') });
    return layeredStore({ small, large: openMemoryStore(), smallBytes: 8 });
  },
});

describe('the PostgreSQL store', () => {
  let store: ContentStore;
  beforeAll(() => {
    store = openPostgresStore({ url: database.urlFor('manifest'), maxBytes: 1000 });
  });
  afterAll(() => store.close());

  it('refuses what is large', async () => {
    await expect(store.put(new Uint8Array(1001))).rejects.toMatchObject({ code: 'too_large' });
    await expect(store.put(new Uint8Array(1000))).resolves.toMatchObject({ bytes: 1000 });
  });

  it('is one store for all services', async () => {
    const { digest } = await store.put(Buffer.from('for all'));
    const other = openPostgresStore({ url: database.urlFor('executor') });
    expect(Buffer.from(await other.get(digest)).toString()).toBe('for all');
    await other.close();
  });

  it('takes many in few statements', async () => {
    const many = Array.from({ length: 2500 }, (_, index) => Buffer.from(`content ${index}`));
    const stored = await store.putMany(many);
    expect(Buffer.from(await store.get(stored[2400]?.digest ?? '')).toString()).toBe(
      'content 2400',
    );
  });

  it('lets no service change, remove or mislabel content', async () => {
    const { digest } = await store.put(Buffer.from('kept'));
    const client = new Client(database.urlFor('manifest'));
    await client.connect();
    try {
      for (const statement of [
        `update content.object set bytes = 'x' where digest = '${digest}'`,
        `delete from content.object where digest = '${digest}'`,
        'truncate content.object',
      ]) {
        await expect(client.query(statement)).rejects.toThrow(/permission denied/);
      }
      const wrong = `insert into content.object values ('sha256:${'0'.repeat(64)}', 'x')`;
      await expect(client.query(wrong)).rejects.toThrow(/check constraint/);
    } finally {
      await client.end();
    }
  });
});
