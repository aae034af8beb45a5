import { eventually, testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import { event } from './event-log.conformance';
import { Follower } from './follower';
import { openPostgresLog, type PostgresLog } from './postgres-log';
import { rebuild, type RebuildOptions, type RebuildProgress } from './rebuild';
import { postgresSeats } from './seats';
import { createTally, tally } from './tally.conformance';

let database: TestDatabase;
let admin: Client;
let log: PostgresLog;
let follower: Follower;

beforeEach(async () => {
  database = await testDatabase();
  await createTally(database.adminUrl);
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  log = await openPostgresLog({ url: database.urlFor('planner') });
  const seats = postgresSeats(database.urlFor('planner'));
  follower = new Follower({ seats, log, projection: tally, restMs: 0 });
});

afterEach(async () => {
  await follower.stop();
  await log.close();
  await admin.end();
  await database.drop();
});

describe('rebuild', () => {
  it('finds a sound read model equal', async () => {
    await write('run-a', 0, 20);
    await write('directive-a', 0, 5);
    await write('run-b', 0, 10);
    await follower.waitFor(35, 5_000);

    const progress: RebuildProgress[] = [];
    const report = await again({ pageSize: 8, onProgress: (it) => progress.push(it) });

    expect(report).toEqual({
      name: 'tally',
      rows: 2,
      equal: true,
      events: 30,
      position: 35,
      replaced: false,
    });
    expect(progress.map(({ position }) => position)).toEqual([8, 16, 29, 35]);
    expect(progress.at(-1)).toEqual({ name: 'tally', position: 35, target: 35 });
  });

  it.each([
    ['a changed row', `update planner.tally set total = total + 1 where stream = 'run-b'`, 'run-b'],
    ['a missing row', `delete from planner.tally where stream = 'run-a'`, 'run-a'],
    ['a row too many', `insert into planner.tally values ('run-0', 1, 0, now())`, 'run-0'],
  ])('finds %s, and names the first', async (_what, tamper, stream) => {
    await write('run-a', 0, 3);
    await write('run-b', 0, 3);
    await follower.waitFor(6, 5_000);
    await admin.query(tamper);

    const report = await again();

    expect(report).toMatchObject({ equal: false, difference: { table: 'tally' } });
    const { live, rebuilt } = report.difference ?? {};
    expect(live ?? rebuilt).toContain(stream);
    expect(live).not.toBe(rebuilt);
  });

  it('finds it equal at every moment while writers write and the live one goes on', async () => {
    let writing = true;
    const writers = ['run-a', 'run-b', 'run-c'].map(async (stream) => {
      for (let version = 0; writing; version += 2) {
        await write(stream, version, 2);
        follower.wake();
      }
    });
    await follower.waitFor(50, 5_000);
    const reports = [];
    for (let round = 0; round < 5; round += 1) reports.push(await again({ pageSize: 20 }));
    writing = false;
    await Promise.all(writers);

    expect(reports.map(({ equal, difference }) => ({ equal, difference }))).toEqual(
      Array.from({ length: 5 }, () => ({ equal: true, difference: undefined })),
    );
    const positions = reports.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(positions[4]).toBeGreaterThan(positions[0]!);
    expect(follower.failures).toBe(0);
  });

  it('puts the new one in place while writers write, and the live one goes on from there', async () => {
    await write('run-a', 0, 10);
    await follower.waitFor(10, 5_000);
    await admin.query('update planner.tally set total = -1');
    let version = 10;
    let writing = true;
    const writer = (async () => {
      for (; writing; version += 2) {
        await write('run-a', version, 2);
        follower.wake();
      }
    })();

    const replaced = await again({ replace: true });
    writing = false;
    await writer;
    await follower.waitFor(version, 5_000);

    expect(replaced).toMatchObject({ equal: false, replaced: true });
    expect(await again()).toMatchObject({ equal: true, events: version });
  });

  it('shows the old rows or the new ones to whoever reads, never none', async () => {
    await write('run-a', 0, 10);
    await follower.waitFor(10, 5_000);
    let replacing = true;
    const seen = new Set<number>();
    const reader = (async () => {
      while (replacing) {
        const { rows } = await admin.query('select count(*)::int as rows from planner.tally');
        seen.add(rows[0].rows);
      }
    })();
    for (let round = 0; round < 3; round += 1) await again({ replace: true });
    replacing = false;
    await reader;
    expect([...seen]).toEqual([1]);
  });

  it('holds up a follower that begins for the first time while it exchanges the rows', async () => {
    await follower.stop();
    await admin.query('delete from planner.checkpoint'); // as if it had never begun
    await write('run-a', 0, 3);
    let looks = 0;
    const meddled = {
      readAll: (asked: object) => log.readAll(asked),
      head: async () => {
        looks += 1;
        if (looks === 2) {
          // The rows are about to be exchanged. Held up, it comes in afterwards.
          const seats = postgresSeats(database.urlFor('planner'));
          follower = new Follower({ seats, log, projection: tally, restMs: 0 });
          await eventually(async () => follower.position === 3 || (await waitsForLock()), {
            what: 'the follower to be through or held up',
          });
        }
        return log.head();
      },
    };
    await again({ replace: true, log: meddled });
    await follower.waitFor(3, 10_000);
    expect(await again()).toMatchObject({ equal: true, rows: 1, events: 3 });
  });

  it('leaves nothing behind', async () => {
    await write('run-a', 0, 3);
    await follower.waitFor(3, 5_000);
    await again();
    await again({
      projection: { ...tally, apply: () => Promise.reject(new Error('broken')) },
    }).catch(() => undefined);
    // PostgreSQL drops them when the session has ended, a moment after it was closed.
    await eventually(
      async () => {
        const { rows } = await admin.query(
          `select relname from pg_class where relname = 'tally' and relpersistence = 't'`,
        );
        return rows.length === 0;
      },
      { what: 'the temporary tables to be gone' },
    );
  });

  it('says so when applying fails', async () => {
    await write('run-a', 0, 3);
    await follower.waitFor(3, 5_000);
    const apply = () => Promise.reject(new Error('no idea what this event means'));
    await expect(again({ projection: { ...tally, apply } })).rejects.toThrow('no idea');
  });
});

async function waitsForLock(): Promise<boolean> {
  const { rows } = await admin.query(
    `select 1 from pg_stat_activity where application_name = 'writ follower tally'
       and datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

function again(options: Partial<RebuildOptions> = {}) {
  return rebuild({ url: database.urlFor('planner'), log, projection: tally, ...options });
}

function write(stream: string, expectedVersion: number, count: number) {
  const events = Array.from({ length: count }, (_, number) => event('Counted', { number }));
  return log.append({ stream, expectedVersion, events });
}
