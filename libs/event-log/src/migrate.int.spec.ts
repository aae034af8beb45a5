import { emptyDatabase, testPasswords, type EmptyDatabase } from '@writ/testing';
import { Client } from 'pg';
import { migrate } from './migrate';
import { migrations } from './migrations';
import { roleOf, roleSettings, services } from './service-roles';

const all = migrations.length;

let database: EmptyDatabase;
const others: EmptyDatabase[] = [];

beforeEach(async () => {
  database = await emptyDatabase();
});

afterEach(async () => {
  for (const each of [database, ...others.splice(0)]) await each.drop();
});

const run = (url = database.adminUrl) => migrate({ adminUrl: url, passwords: testPasswords() });

describe('migrate', () => {
  it('lets one of three work and the others wait, and none fails', async () => {
    const reports = await Promise.all([run(), run(), run()]);

    const applied = reports.map((report) => report.applied.length).sort();
    expect(applied).toEqual([0, 0, all]);
  });

  it('may run on several databases of one server at the same time', async () => {
    for (let more = 0; more < 3; more += 1) others.push(await emptyDatabase());

    const reports = await Promise.all([database, ...others].map((each) => run(each.adminUrl)));

    expect(reports.map((report) => report.applied.length)).toEqual([all, all, all, all]);
  });

  it('changes nothing the second time', async () => {
    await run();
    expect(await run()).toEqual({ roles: [], applied: [] });
  });

  it('gives up with a cure when another one does not end', async () => {
    const stuck = await session(database.adminUrl);
    await stuck.query('select pg_advisory_lock(7364171)');

    const late = migrate({ adminUrl: database.adminUrl, waitMs: 100 });

    await expect(late).rejects.toThrow(/look for it in pg_stat_activity/);
    await stuck.end();
  });

  it('leaves nothing behind when it fails in the middle', async () => {
    const admin = await session(database.adminUrl);
    await admin.query('create schema manifest'); // the last migration stumbles over it

    await expect(run()).rejects.toThrow(/manifest/);
    const { rows } = await admin.query(`select to_regclass('log.event') as log`);
    expect(rows).toEqual([{ log: null }]);

    await admin.query('drop schema manifest');
    expect((await run()).applied).toHaveLength(all);
    await admin.end();
  });

  it('lets each service log in with its password, under the settings that bound a stuck client', async () => {
    await run();
    for (const service of services) {
      const client = await session(urlFor(service));
      const { rows } = await client.query(
        `select name, current_setting(name) as value from unnest($1::text[]) as name`,
        [Object.keys(roleSettings)],
      );
      const found = Object.fromEntries(rows.map((row) => [row.name, row.value]));
      expect(found).toEqual({ ...roleSettings });
      await client.end();
    }
  });

  it('keeps a service out of the schemas of the others', async () => {
    await run();
    for (const service of services) {
      const client = await session(urlFor(service));
      for (const other of services) {
        const look = client.query(`select * from ${other}.checkpoint`);
        if (other === service) await expect(look).resolves.toBeDefined();
        else await expect(look).rejects.toThrow(/permission denied for schema/);
      }
      await client.end();
    }
  });

  it('gives a service every right to the rows of its own schema, and none to change it', async () => {
    await run();
    const planner = await session(urlFor('planner'));
    await planner.query(`insert into planner.checkpoint values ('x', 1)`);
    await planner.query(`update planner.checkpoint set position = 2`);
    await planner.query(`truncate planner.checkpoint`);
    await expect(planner.query('drop table planner.checkpoint')).rejects.toThrow(/must be owner/);
    await expect(planner.query('create table planner.x (y int)')).rejects.toThrow(/permission/);
    await planner.end();
  });
});

function urlFor(service: (typeof services)[number]): string {
  const url = new URL(database.adminUrl);
  url.username = roleOf(service);
  url.password = testPasswords()[service];
  return url.href;
}

async function session(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  return client;
}
