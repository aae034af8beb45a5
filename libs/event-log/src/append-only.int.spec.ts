import { testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import { event } from './event-log.conformance';
import { openPostgresLog, type PostgresLog } from './postgres-log';

let database: TestDatabase;
let log: PostgresLog;
let planner: Client;
let superuser: Client;

beforeAll(async () => {
  database = await testDatabase();
  log = await openPostgresLog({ url: database.urlFor('planner') });
  planner = await session(database.urlFor('planner'));
  superuser = await session(database.adminUrl);
  await log.append({ stream: 'run-a', expectedVersion: 0, events: [event(), event()] });
});

afterAll(async () => {
  await log.close();
  await planner.end();
  await superuser.end();
  await database.drop();
});

const changes = [
  `update log.event set data = '{}'`,
  'delete from log.event',
  'delete from log.event where false',
  'truncate log.event',
  'delete from log.head',
  'truncate log.head',
];

describe('a service', () => {
  it.each([
    ...changes,
    `insert into log.event select position + 10, stream, version + 10, gen_random_uuid(), type,
       schema_version, data, metadata, recorded_at, hash from log.event`,
    'alter table log.event disable trigger all',
    'alter table log.event disable trigger event_is_append_only',
    'drop trigger event_is_append_only on log.event',
    'drop table log.event',
    'select * from log.head for update',
    'do $$ begin lock table log.event; end $$',
    'create table log.mine (x int)',
    `set session_replication_role = 'replica'`,
    'set role writ_owner',
    'set role writ_executor',
    'alter function log.append owner to writ_planner',
  ])('may not: %s', async (sql) => {
    await expect(planner.query(sql)).rejects.toMatchObject({ code: '42501' });
  });

  it('may append by the function, and read', async () => {
    const { rows } = await planner.query('select count(*)::int as events from log.event');
    expect(rows[0].events).toBeGreaterThanOrEqual(2);
  });
});

describe('a superuser', () => {
  it.each(changes)('is stopped by a trigger: %s', async (sql) => {
    await expect(superuser.query(sql)).rejects.toThrow(/append-only/);
  });

  it('is stopped also where ordinary triggers are silenced', async () => {
    await superuser.query(`set session_replication_role = 'replica'`);
    for (const sql of changes) await expect(superuser.query(sql)).rejects.toThrow(/append-only/);
    await superuser.query('reset session_replication_role');
  });

  it('is not stopped after disabling the trigger; then the hashes tell', async () => {
    await superuser.query('begin');
    await superuser.query('alter table log.event disable trigger event_is_append_only');
    expect((await superuser.query('delete from log.event')).rowCount).toBeGreaterThanOrEqual(2);
    await superuser.query('rollback');
  });
});

describe('the append function itself', () => {
  const call = (stream: string, type: string, counts = [1], id = crypto.randomUUID()) =>
    planner.query('select * from log.append($1, $2, $3, $4, $5, $6, $7, $8)', [
      [stream],
      [0],
      counts,
      [id],
      [type],
      [1],
      ['{}'],
      ['{}'],
    ]);

  it.each([
    ['run-a"b', 'Started'],
    ['run-a\\b', 'Started'],
    ['run-b', 'Sta"rted'],
    ['run-b', 'Sta\nrted'],
  ])('refuses names that would break the hashed text: %j %j', async (stream, type) => {
    await expect(call(stream, type)).rejects.toMatchObject({ code: '22023' });
  });

  it.each([[[0]], [[2]], [[-1]]])(
    'refuses counts %j that do not fit the events',
    async (counts) => {
      await expect(call('run-counts', 'Started', counts)).rejects.toThrow();
      expect(await log.readStream('run-counts')).toEqual([]);
    },
  );

  it('writes the same texts whatever the session makes of dates', async () => {
    const url = new URL(database.urlFor('executor'));
    url.searchParams.set('options', '-c datestyle=german -c timezone=Asia/Tokyo');
    const odd = await openPostgresLog({ url: url.href });
    const stored = await odd.append({ stream: 'run-odd', expectedVersion: 0, events: [event()] });
    expect(await log.readStream('run-odd')).toEqual(stored);
    expect(await odd.readStream('run-odd')).toEqual(stored);
    const { rows } = await superuser.query(
      `select hash = sha256(convert_to(concat('{"data":{},"id":"', id, '","metadata":', metadata,
         ',"position":', position, ',"previous":"',
         (select encode(p.hash, 'hex') from log.event p where p.position = e.position - 1),
         '","recordedAt":"', $1::text, '","schemaVersion":1,"stream":"run-odd","type":"Happened",',
         '"version":1}'), 'UTF8')) as fits
       from log.event e where stream = 'run-odd'`,
      [stored[0]?.recordedAt],
    );
    expect(rows).toEqual([{ fits: true }]);
    await odd.close();
  });
});

async function session(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  return client;
}
