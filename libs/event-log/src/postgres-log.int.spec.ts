import { testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import { eventLogConformance } from './event-log.conformance';
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

eventLogConformance('the log in PostgreSQL', async () => {
  // Only a superuser can, and only like this; the next test begins with an empty log.
  await admin.query(`alter table log.event disable trigger event_is_append_only;
    truncate log.event;
    alter table log.event enable always trigger event_is_append_only`);
  return openPostgresLog({ url: database.urlFor('planner') });
});
