import { eventually, testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import type { StoredEvent } from './event-log';
import { event } from './event-log.conformance';
import { openPostgresLog, type PostgresLog } from './postgres-log';
import { PublishedReporter } from './published-reporter';
import { Relay, type RelayOptions } from './relay';

let database: TestDatabase;
let admin: Client;
let log: PostgresLog;
const relays: Relay[] = [];

beforeEach(async () => {
  database = await testDatabase();
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  log = await openPostgresLog({ url: database.urlFor('planner') });
});

afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  await log.close();
  await admin.end();
  await database.drop();
});

describe('Relay', () => {
  it('publishes what nobody has published, in full, once', async () => {
    const stored = await append(5);
    const sent: StoredEvent[] = [];
    const relay = start({ publish: async (it) => void sent.push(it) });
    await eventually(() => relay.active && relay.lag === 0, { what: 'the relay to be done' });
    expect(sent).toEqual(stored);
    expect(relay.published).toBe(5);
    await eventually(async () => (await cursor()) === 5, { what: 'the cursor' });
  });

  it('publishes only the gaps that the reports leave', async () => {
    const sent: number[] = [];
    const relay = start({ publish: async (it) => void sent.push(it.position) });
    await append(10);
    const reporter = new PublishedReporter({ broadcast: (bytes) => relay.tracker.report(bytes) });
    for (const position of [1, 2, 4, 5, 6, 9]) reporter.published(position);
    reporter.flush();
    await eventually(() => relay.lag === 0 && sent.length > 0, { what: 'the gaps' });
    expect(sent.sort((a, b) => a - b)).toEqual([3, 7, 8, 10]);
  });

  it('gives writers time to publish by themselves', async () => {
    const sent: number[] = [];
    const relay = start({ publish: async (it) => void sent.push(it.position), graceMs: 300 });
    await eventually(() => relay.active, { what: 'the relay to be active' });
    const reporter = new PublishedReporter({
      broadcast: (bytes) => relay.tracker.report(bytes),
      everyMs: 20,
    });
    for (let round = 0; round < 15; round += 1) {
      for (const { position } of await append(2, round * 2)) reporter.published(position);
      await admin.query('select pg_sleep(0.03)');
    }
    await eventually(() => relay.tracker.cursor === 30, { what: 'the reports' });
    expect(sent).toEqual([]);
  });

  it('holds its cursor and goes on when the message server is away', async () => {
    await append(4);
    let away = true;
    const sent: number[] = [];
    const relay = start({
      publish: async ({ position }) => {
        if (away && position >= 3) throw new Error('no responders');
        sent.push(position);
      },
    });
    await eventually(() => relay.lastError !== undefined, { what: 'a failure' });
    expect(await cursor()).toBeLessThanOrEqual(2);
    expect(relay.lag).toBe(2);
    away = false;
    await eventually(() => relay.lag === 0, { what: 'the relay to go on' });
    expect(sent.sort()).toEqual([1, 2, 3, 4]);
  });

  it('stands by while another is active, and takes over from its cursor', async () => {
    await append(3);
    const sent: string[] = [];
    const one = start({ publish: async (it) => void sent.push(`one ${it.position}`) });
    await eventually(async () => (await cursor()) === 3, { what: 'the first relay' });
    const other = start({ publish: async (it) => void sent.push(`other ${it.position}`) });
    await append(1, 3);
    await eventually(() => sent.length === 4, { what: 'the fourth event' });
    expect(other).toMatchObject({ active: false, lag: 0 });

    await eventually(async () => (await cursor()) === 4, { what: 'the cursor' });
    await one.stop();
    await append(2, 4);
    await eventually(() => sent.length === 6, { what: 'the other relay' });
    expect(sent.slice(-2)).toEqual(['other 5', 'other 6']);
  });

  it('is active again when its connection was killed, and loses nothing', async () => {
    const sent = new Set<number>();
    const relay = start({ publish: async (it) => void sent.add(it.position) });
    await eventually(() => relay.active, { what: 'the relay to be active' });
    for (let round = 0; round < 5; round += 1) {
      await append(2, round * 2);
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'writ relay' and datname = current_database()`,
      );
    }
    await eventually(() => sent.size === 10, { what: 'all events' });
    await eventually(async () => (await cursor()) === 10, { what: 'the cursor' });
  });
});

describe('PublishedReporter', () => {
  it('sends one report for what comes within a moment', async () => {
    const reports: string[] = [];
    const reporter = new PublishedReporter({
      broadcast: (bytes) => void reports.push(Buffer.from(bytes).toString()),
      everyMs: 20,
    });
    for (const position of [3, 1, 2, 9]) reporter.published(position);
    expect(reports).toEqual([]);
    await eventually(() => reports.length > 0, { what: 'the report' });
    reporter.published(10);
    reporter.flush();
    reporter.flush();
    expect(reports).toEqual(['[[1,3],[9,9]]', '[[10,10]]']);
  });
});

function start(options: Pick<RelayOptions, 'publish'> & Partial<RelayOptions>): Relay {
  const url = database.urlFor('planner');
  const relay = new Relay({ url, log, graceMs: 40, everyMs: 10, ...options });
  relays.push(relay);
  return relay;
}

function append(count: number, expectedVersion = 0) {
  const events = Array.from({ length: count }, () => event());
  return log.append({ stream: 'run-a', expectedVersion, events });
}

async function cursor(): Promise<number> {
  return Number((await admin.query('select position from log.relay_cursor')).rows[0].position);
}
