import { eventually, testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import type { StoredEvent } from './event-log';
import { event } from './event-log.conformance';
import { openPostgresLog, type PostgresLog } from './postgres-log';
import { PublishedReporter } from './published-reporter';
import { Relay, type RelayOptions } from './relay';
import { postgresSeats } from './seats';

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
    await eventually(async () => (await cursor()) === 5, { what: 'the cursor' });
    expect(sent).toEqual(stored);
    expect(relay).toMatchObject({ published: 5, lag: 0 });
  });

  it('publishes only the gaps that the reports leave', async () => {
    const sent: number[] = [];
    let letLook = (): void => undefined;
    const reported = new Promise<void>((resolve) => (letLook = resolve));
    const relay = start({
      log: { head: () => reported.then(() => log.head()), readAll: (asked) => log.readAll(asked) },
      publish: async (it) => void sent.push(it.position),
    });
    await append(10);
    const reporter = new PublishedReporter({ broadcast: (bytes) => relay.tracker.report(bytes) });
    for (const position of [1, 2, 4, 5, 6, 9]) reporter.published(position);
    reporter.flush();
    letLook();
    await eventually(() => relay.lag === 0 && sent.length > 0, { what: 'the gaps' });
    expect(sent.sort((a, b) => a - b)).toEqual([3, 7, 8, 10]);
  });

  it('gives writers time to publish by themselves', async () => {
    const sent: number[] = [];
    const looks = { count: 0 };
    const head = async () => {
      looks.count += 1;
      return log.head();
    };
    const relay = start({
      log: { head, readAll: (asked) => log.readAll(asked) },
      publish: async (it) => void sent.push(it.position),
      graceMs: 600_000,
    });
    const reporter = new PublishedReporter({ broadcast: (bytes) => relay.tracker.report(bytes) });
    const stored = await append(30);
    await eventually(() => relay.lag === 30, { what: 'the relay to see them' });
    const seen = looks.count;
    await eventually(() => looks.count > seen + 5, { what: 'the relay to look again and again' });
    expect(sent).toEqual([]);
    for (const { position } of stored) reporter.published(position);
    await eventually(async () => (await cursor()) === 30, { what: 'the reports' });
    expect(sent).toEqual([]);
  });

  it('lets no event that cannot be published hold up those after it', async () => {
    await append(6);
    const sent: number[] = [];
    const relay = start({
      concurrency: 1,
      publish: async ({ position }) => {
        if (position === 2 || position === 4) throw new Error('the server does not take it');
        sent.push(position);
      },
    });
    await eventually(() => sent.length === 4, { what: 'the others' });
    expect(sent).toEqual([1, 3, 5, 6]);
    expect(relay.lastError).toMatchObject({ message: 'the server does not take it' });
    expect(await cursor()).toBe(1);
    expect(relay.lag).toBe(5);
  });

  it('saves how far it is while it goes through a long backlog', async () => {
    await append(10);
    const saved: number[] = [];
    const relay = start({
      concurrency: 1,
      publish: async () => void saved.push(await cursor()),
    });
    await eventually(() => relay.published === 10, { what: 'the backlog' });
    expect(saved).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('does not believe reports of what the log does not have', async () => {
    const sent: number[] = [];
    const errors: unknown[] = [];
    const relay = start({
      publish: async (it) => void sent.push(it.position),
      onError: (error) => errors.push(error),
    });
    await eventually(() => relay.active, { what: 'the relay to be active' });
    for (const bogus of ['[[1,1000000]]', '[[5,5]]']) {
      errors.length = 0;
      relay.tracker.report(Buffer.from(bogus));
      await eventually(() => errors.length > 0, { what: 'the complaint' });
      expect(errors[0]).toMatchObject({ message: expect.stringMatching(/two stacks share one/) });
    }
    await append(6);
    await eventually(() => sent.length === 6, { what: 'the events' });
    await eventually(async () => (await cursor()) === 6, { what: 'the cursor' });
  });

  it('starts over when a backup was restored and the log is shorter', async () => {
    const sent: number[] = [];
    start({ publish: async (it) => void sent.push(it.position) });
    await append(5);
    await eventually(async () => (await cursor()) === 5, { what: 'the cursor' });
    await admin.query(`alter table log.event disable trigger event_is_append_only;
      delete from log.event where position > 2;
      alter table log.event enable always trigger event_is_append_only;
      update log.relay_cursor set position = 2`);
    sent.length = 0;
    await append(2, 2);
    await eventually(() => sent.length >= 2, { what: 'the events after the restored ones' });
    expect(sent).toEqual([3, 4]);
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
  const relay = new Relay({ seats: postgresSeats(url), log, graceMs: 40, everyMs: 10, ...options });
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
