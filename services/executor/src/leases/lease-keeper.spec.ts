import type { Clock } from '@writ/contracts';
import { manualClock } from '@writ/testing';
import { ActiveRuns, type ActiveRun } from '../active-runs';
import { LeaseKeeper } from './lease-keeper';
import { surelyOursMs, type Leases } from './leases';
import { leaseTable, MemoryLeases } from './memory-leases';

const ttlMs = 10_000;
const start = Date.parse('2026-01-01T00:00:00Z');
const directiveId = 'abcdefgh12345678';

/** A keeper on a clock that is moved by hand, and a database that can be away. */
function open() {
  const hands = manualClock(new Date(start).toISOString());
  const now = () => hands.now().getTime() - start;
  const clock: Clock = { now, time: () => hands.now().toISOString(), after: hands.after };
  const table = leaseTable(now);
  const leases = new MemoryLeases(table, 'one', ttlMs);
  let away = false;
  const reachable: Leases = {
    ...{ ttlMs, acquire: (runId) => leases.acquire(runId), living: (ids) => leases.living(ids) },
    ...{ release: (it) => leases.release(it), expire: (it) => leases.expire(it) },
    renew: (held) => (away ? Promise.reject(new Error('away')) : leases.renew(held)),
  };
  const active = new ActiveRuns();
  const keeper = new LeaseKeeper({
    ...{ leases: reachable, active, clock, everyMs: ttlMs / 4 },
    cache: { beat: () => Promise.resolve() },
    watch: { look: () => Promise.resolve('wanted') },
    logger: { warn: () => undefined },
  });
  const take = async (runId: string): Promise<ActiveRun> => {
    const run = active.begin({ runId, directiveId }, new AbortController().signal)!;
    run.lease = await leases.acquire(runId);
    run.oursUntil = now() + surelyOursMs(leases);
    return run;
  };
  const setAway = (is: boolean) => (away = is);
  return { hands, now, leases, table, active, keeper, take, setAway };
}

test('what is renewed with each beat is ours for as long again', async () => {
  const { hands, keeper, take } = open();
  const run = await take('run-1');
  keeper.start();
  for (let round = 0; round < 20; round += 1) await hands.advance(2_500);
  expect(run.stoppedBy).toBeUndefined();
  expect(keeper.leftMs()).toBe(8_000);
  await keeper.stop();
});

test('what could not be renewed is lost while nobody else can have it yet', async () => {
  const { hands, now, keeper, table, take, setAway } = open();
  const run = await take('run-1');
  keeper.start();
  setAway(true);
  await hands.advance(7_900);
  expect(run.stoppedBy).toBeUndefined();
  await hands.advance(600);
  expect(run.stoppedBy).toBe('lost');
  expect(table.held.get('run-1')?.expiresAt).toBeGreaterThan(now());
  await keeper.stop();
});

test('the warden is told how long the oldest lease is ours, and of no end when there is none', async () => {
  const { hands, keeper, take } = open();
  expect(keeper.leftMs()).toBe(Number.POSITIVE_INFINITY);
  const old = await take('run-1');
  await hands.advance(3_000);
  await take('run-2');
  expect(keeper.leftMs()).toBe(5_000);
  old.end('lost');
  expect(keeper.leftMs()).toBe(8_000);
});

test('a process that stood still ends what may be another’s before it starts anything of it', async () => {
  const { hands, now, take } = open();
  const run = await take('run-1');
  expect(run.endUnlessOurs(now())).toBe(false);
  await hands.advance(9_000);
  expect(run.endUnlessOurs(now())).toBe(true);
  expect(run.stoppedBy).toBe('lost');
});
