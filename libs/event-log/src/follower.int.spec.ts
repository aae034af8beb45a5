import { eventually, testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import { event } from './event-log.conformance';
import { Follower, type FollowerOptions } from './follower';
import { postgresSeats } from './seats';
import { openPostgresLog, type PostgresLog } from './postgres-log';
import { createTally, tally } from './tally.conformance';

let database: TestDatabase;
let admin: Client;
let log: PostgresLog;
const followers: Follower[] = [];

beforeEach(async () => {
  database = await testDatabase();
  await createTally(database.adminUrl);
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  log = await openPostgresLog({ url: database.urlFor('planner') });
});

afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.stop()));
  await log.close();
  await admin.end();
  await database.drop();
});

describe('Follower', () => {
  it('applies what is in the log, and what comes, when woken', async () => {
    await append('run-a', 0, 3);
    const follower = follow({ pollMs: 600_000 });
    await follower.waitFor(3, 5_000);
    expect(await rows()).toEqual([{ stream: 'run-a', events: 3 }]);

    await append('run-b', 0, 2);
    follower.wake();
    await follower.waitFor(5, 5_000);

    expect(await rows()).toEqual([
      { stream: 'run-a', events: 3 },
      { stream: 'run-b', events: 2 },
    ]);
    expect(follower).toMatchObject({ active: true, lag: 0, applied: 5, failures: 0 });
  });

  it('finds new events by itself when nobody wakes it', async () => {
    const follower = follow({ pollMs: 50 });
    await eventually(() => follower.active, { what: 'the follower to be active' });
    await append('run-a', 0, 1);
    await eventually(() => follower.position === 1, { what: 'the follower to look' });
  });

  it('passes over the streams of others without a transaction for each', async () => {
    const follower = follow();
    await append('directive-a', 0, 30);
    await follower.waitFor(30, 5_000);
    expect(await rows()).toEqual([]);
    expect(await checkpoint()).toBe(0);

    await append('run-a', 0, 1);
    await follower.waitFor(31, 5_000);
    expect(await checkpoint()).toBe(31);
  });

  it('goes through a long log in pages', async () => {
    await append('run-a', 0, 95);
    const follower = follow({ pageSize: 10 });
    await follower.waitFor(95, 5_000);
    expect(await rows()).toEqual([{ stream: 'run-a', events: 95 }]);
  });

  it('bounds a page by its bytes too, and takes one event however large', async () => {
    const large = 'x'.repeat(3 * 1024 * 1024);
    const pages: number[] = [];
    const counting = {
      ...tally,
      apply: async (...[events, tx]: Parameters<typeof tally.apply>) => {
        pages.push(events.length);
        await tally.apply(events, tx);
      },
    };
    for (let version = 0; version < 5; version += 1) {
      const events = [event('Counted', { number: 1, large })];
      await log.append({ stream: 'run-a', expectedVersion: version, events });
    }
    await append('run-b', 0, 2);
    const follower = follow({ projection: counting });
    await follower.waitFor(7, 10_000);
    expect(pages).toEqual([3, 4]); // the first has more than 8 MiB with its third event
    expect(await rows()).toEqual([
      { stream: 'run-a', events: 5 },
      { stream: 'run-b', events: 2 },
    ]);
  });

  it('tells how far it is behind, also while it applies and while that fails', async () => {
    await append('run-a', 0, 25);
    let behave: () => Promise<void> = () => Promise.reject(new Error('no idea'));
    const slow = {
      ...tally,
      apply: async (...[events, tx]: Parameters<typeof tally.apply>) => {
        await behave();
        await tally.apply(events, tx);
      },
    };
    const follower = follow({ projection: slow, pageSize: 10 });
    for (const failures of [1, 2, 3]) {
      await eventually(() => follower.failures >= failures, { what: 'a failure', every: 5 });
      expect(follower.lag).toBe(25);
    }
    let letGo = (): void => undefined;
    let applying = 0;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    behave = async () => {
      applying += 1;
      if (applying === 2) await gate;
    };
    await eventually(() => applying === 2, { what: 'the second page' });
    expect(follower.lag).toBe(15);
    letGo();
    await follower.waitFor(25, 5_000);
    expect(follower.lag).toBe(0);
  });

  it('goes on where it stopped', async () => {
    await append('run-a', 0, 3);
    const first = follow();
    await first.waitFor(3, 5_000);
    await first.stop();
    await append('run-a', 3, 2);
    const second = follow();
    await second.waitFor(5, 5_000);
    expect(second.applied).toBe(2);
    expect(await rows()).toEqual([{ stream: 'run-a', events: 5 }]);
  });

  it('applies every event exactly once while connections are killed', async () => {
    // For each of the first pages once, right before its commit.
    const killed = new Set<number>();
    const killing = {
      ...tally,
      apply: async (...[events, tx]: Parameters<typeof tally.apply>) => {
        await tally.apply(events, tx);
        const first = events[0]?.position ?? 0;
        if (killed.size === 8 || killed.has(first)) return;
        killed.add(first);
        await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where application_name = 'writ follower tally' and datname = current_database()`,
        );
      },
    };
    const follower = follow({ projection: killing, pageSize: 7, restMs: 0 });
    for (let version = 0; version < 300; version += 3) {
      await append('run-a', version, 3);
      follower.wake();
    }
    await follower.waitFor(300, 25_000);
    expect(await rows()).toEqual([{ stream: 'run-a', events: 300 }]);
    expect(killed.size).toBe(8);
    expect(follower.failures).toBe(8);
  });

  it('rolls a batch back whole when applying fails, says why, and does not skip', async () => {
    let poisoned = true;
    const stubborn = {
      ...tally,
      apply: async (...[events, tx]: Parameters<typeof tally.apply>) => {
        await tally.apply(events, tx);
        if (poisoned) throw new Error('no idea what this event means');
      },
    };
    const errors: unknown[] = [];
    await append('run-a', 0, 2);
    const follower = follow({ projection: stubborn, onError: (error) => errors.push(error) });
    await eventually(() => follower.failures >= 2, { what: 'a second attempt' });
    expect(await rows()).toEqual([]);
    expect(await checkpoint()).toBe(0);
    expect(follower.lastError).toMatchObject({ message: 'no idea what this event means' });
    expect(errors.length).toBeGreaterThanOrEqual(2);
    await expect(follower.waitFor(2, 20)).rejects.toThrow(/tally is at 0 and not at 2 after 20 ms/);

    poisoned = false;
    await follower.waitFor(2, 5_000);
    expect(await rows()).toEqual([{ stream: 'run-a', events: 2 }]);
  });

  it('lets one of two work, and the other take over', async () => {
    const one = follow();
    await eventually(() => one.active, { what: 'the first to be active' });
    const other = follow({ pollMs: 20 });
    await append('run-a', 0, 4);
    one.wake();
    await one.waitFor(4, 5_000);
    expect(other).toMatchObject({ active: false, applied: 0, lag: 0 });

    await one.stop();
    await append('run-a', 4, 1);
    await other.waitFor(5, 5_000);
    expect(other.active).toBe(true);
    expect(await rows()).toEqual([{ stream: 'run-a', events: 5 }]);
  });

  it('does not move a checkpoint that somebody else has moved', async () => {
    await append('run-a', 0, 2);
    const follower = follow();
    await follower.waitFor(2, 5_000);
    await admin.query('update planner.checkpoint set position = 3');
    await append('run-a', 2, 2);
    await follower.waitFor(4, 5_000);
    expect(await rows()).toEqual([{ stream: 'run-a', events: 3 }]); // 4 only: 3 was said to be in
    expect(follower.lastError).toMatchObject({
      message: 'the checkpoint of planner.tally is not at 2 any more',
    });
  });
});

function follow(options: Partial<FollowerOptions> = {}): Follower {
  const url = database.urlFor('planner');
  const follower = new Follower({ seats: postgresSeats(url), log, projection: tally, ...options });
  followers.push(follower);
  return follower;
}

function append(stream: string, expectedVersion: number, count: number) {
  const events = Array.from({ length: count }, (_, number) => event('Counted', { number }));
  return log.append({ stream, expectedVersion, events });
}

async function rows() {
  return (await admin.query('select stream, events from planner.tally order by stream')).rows;
}

async function checkpoint(): Promise<number> {
  const found = await admin.query(`select position from planner.checkpoint where name = 'tally'`);
  return Number(found.rows[0]?.position);
}
