// A migrated database for each spec file. The first caller of a run migrates a template; everyone
// gets a copy of it. What belongs to a database and not to its content (its grants, ALTER DATABASE
// SET) is not copied: a spec about those migrates an emptyDatabase() itself.
import { migrate } from '@writ/event-log';

import { asAdmin, createDatabase, urlOf } from './empty-database';

const SERVICES = ['planner', 'executor', 'verifier', 'manifest'] as const;
const TEMPLATE = 'writ_test_template';
const LOCK = 7_364_172;

export type DatabaseService = (typeof SERVICES)[number];

export interface TestDatabase {
  /** A superuser's URL. */
  adminUrl: string;
  /** The URL of that service's login role, with no more rights than it has in earnest. */
  urlFor(service: DatabaseService): string;
  drop(): Promise<void>;
}

export async function testDatabase(): Promise<TestDatabase> {
  await makeTemplateOnce();
  const { adminUrl, drop } = await createDatabase(TEMPLATE);
  const name = new URL(adminUrl).pathname.slice(1);
  return {
    adminUrl,
    drop,
    urlFor: (service) =>
      urlOf(name, { name: `writ_${service}`, password: testPasswords()[service] }),
  };
}

/** Login roles belong to the whole server, so every database of a run has the same passwords. */
export function testPasswords(): Record<DatabaseService, string> {
  return Object.fromEntries(SERVICES.map((service) => [service, `test-${service}`])) as Record<
    DatabaseService,
    string
  >;
}

/** The database counts as a template only when it is complete: a run that died starts over. */
function makeTemplateOnce(): Promise<void> {
  return asAdmin(async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const { rows } = await client.query<{ datistemplate: boolean }>(
      'SELECT datistemplate FROM pg_database WHERE datname = $1',
      [TEMPLATE],
    );
    if (rows[0]?.datistemplate) return;
    await client.query(`DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${TEMPLATE}`);
    await migrate({ adminUrl: urlOf(TEMPLATE), passwords: testPasswords() });
    await client.query(`ALTER DATABASE ${TEMPLATE} IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  }); // the lock goes with the session
}
