import { testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import { event, eventLogConformance } from './event-log.conformance';
import { openPostgresLog } from './postgres-log';

let database: TestDatabase;
let admin: Client;

beforeAll(async () => {
  database = await testDatabase();
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

// Only a superuser can, and only like this; every test begins with an empty log.
const empty = () =>
  admin.query(`alter table log.event disable trigger event_is_append_only;
    truncate log.event;
    alter table log.event enable always trigger event_is_append_only`);

eventLogConformance('the log in PostgreSQL', async () => {
  await empty();
  return openPostgresLog({ url: database.urlFor('planner') });
});

it('finds what is rare in a long log in several walks', async () => {
  await empty();
  const log = await openPostgresLog({ url: database.urlFor('planner'), walk: 4 });
  const rare = [1, 2, 9, 12, 13, 25];
  for (let position = 1; position <= 26; position += 1) {
    const stream = rare.includes(position) ? `run-${position}` : `directive-${position}`;
    await log.append({ stream, expectedVersion: 0, events: [event()] });
  }
  for (let after = 0; after <= 26; after += 1) {
    for (const limit of [1, 2, 3, 10]) {
      const found = await log.readAll({ after, limit, streamPrefixes: ['run-'] });
      const expected = rare.filter((position) => position > after).slice(0, limit);
      expect(found.map(({ position }) => position)).toEqual(expected);
    }
  }
  await log.close();
});
