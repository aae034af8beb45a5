/** What the executor keeps in PostgreSQL: leases, reservations, the run cache and its read model. */
import { Follower, openPostgresLog, postgresSeats, rebuild, type EventLog } from '@writ/event-log';
import { MemoryBus } from '@writ/messaging';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { streamOf, Unavailable } from '@writ/contracts';
import { openDatabase, type Database } from './database';
import { leasesConformance } from './leases/leases.conformance';
import { PostgresLeases } from './leases/postgres-leases';
import { RUN_PROJECTION, runRows } from './projections/run-rows';
import { appendTo, cacheTableConformance, endedRun } from './run-cache/cache-table.conformance';
import { PostgresCacheTable } from './run-cache/postgres-cache-table';
import { RunCache } from './run-cache/run-cache';

let database: TestDatabase;
let url: string;
let pools: Database[];
let log: EventLog;
let follower: Follower;

beforeAll(async () => {
  database = await testDatabase();
  url = database.urlFor('executor');
  // Each stands for a process.
  pools = [openDatabase(url), openDatabase(url)];
  log = await openPostgresLog({ url, applicationName: 'executor test', warn: () => undefined });
  follower = new Follower({
    seats: postgresSeats(url),
    ...{ log, projection: runRows, pollMs: 20, restMs: 1 },
  });
}, 60_000);

afterAll(async () => {
  await follower?.stop();
  await log?.close();
  await Promise.all((pools ?? []).map((pool) => pool.end()));
  await database?.drop();
});

const poolOf = (executorId: string) =>
  pools[executorId === 'executor-2' || executorId === 'two' ? 1 : 0] as Database;

const tableOf = (executorId: string, ttlMs = 60_000) =>
  new PostgresCacheTable({
    pool: poolOf(executorId),
    executorId,
    ttlMs,
    projection: RUN_PROJECTION,
  });

test('says that the database is away, apart from what it refuses', async () => {
  const unreachable = new URL(url);
  unreachable.port = '1';
  const away = openDatabase(unreachable.toString());
  await expect(away.query('select 1')).rejects.toThrow(Unavailable);
  await away.end();
  await expect(poolOf('one').query('select nonsense')).rejects.not.toThrow(Unavailable);
});

describe('leases in PostgreSQL', () => {
  leasesConformance(
    (executorId, ttlMs) => new PostgresLeases(poolOf(executorId), executorId, ttlMs),
  );
});

describe('the cache table in PostgreSQL', () => {
  cacheTableConformance(() => ({
    log,
    table: tableOf,
    caughtUp: (position) => follower.waitFor(position, 10_000),
  }));
});

test('fifty runs of one bundle in two processes: one executes, all others hand out what it made', async () => {
  const hash = `sha256:${'f'.repeat(64)}`;
  const bus = new MemoryBus();
  const caches = ['executor-1', 'executor-2'].map(
    (executorId) => new RunCache({ table: tableOf(executorId), log, bus, pollMs: 20 }),
  );
  let executed = 0;
  const found = await Promise.all(
    Array.from({ length: 50 }, async (_, at) => {
      const ended = endedRun(`flight${at}`, hash);
      const cache = caches[at % 2] as RunCache;
      const { signal } = new AbortController();
      const answer = await cache.find(hash, ended.runId, signal);
      if (answer.hit) return answer.runId;
      executed += 1;
      const position = await appendTo(log, streamOf.run(ended.runId), 'RunEnded', ended);
      cache.succeeded(ended, position);
      return ended.runId;
    }),
  );
  expect(executed).toBe(1);
  expect(new Set(found).size).toBe(1);
});

test('a run whose executor died holds its hash no longer than its reservation lives', async () => {
  const hash = `sha256:${'e'.repeat(64)}`;
  const { signal } = new AbortController();
  const bus = new MemoryBus();
  const dying = new RunCache({ table: tableOf('executor-1', 300), log, bus });
  const other = new RunCache({ table: tableOf('executor-2', 300), log, bus, pollMs: 20 });
  await dying.find(hash, 'run-of-the-dead', signal);
  const began = performance.now();
  expect(await other.find(hash, 'run-of-the-living', signal)).toEqual({
    hit: false,
  });
  expect(performance.now() - began).toBeGreaterThan(150);
});

test('the read model is what a rebuild makes of the log', async () => {
  await follower.waitFor((await log.head()).position, 10_000);
  const report = await rebuild({ url, log, projection: runRows });
  expect(report).toMatchObject({ equal: true });
  expect(report.rows).toBeGreaterThan(10);
});

test('commits of this pool are not waited for on disk', async () => {
  const shown = async (text: string) =>
    (await poolOf('one').query<Record<string, string>>(text)).rows[0];
  expect(await shown('show synchronous_commit')).toEqual({ synchronous_commit: 'off' });
});
