import { eventually } from '@writ/testing';
import type { Leases } from './leases';

/** What every implementation of Leases does. `open` gives one more executor on the same table. */
export function leasesConformance(open: (executorId: string, ttlMs: number) => Leases): void {
  let runs = 0;
  const fresh = () => `run-${(runs += 1)}`;
  const long = 60_000;

  test('one of many that ask at once gets the lease', async () => {
    const runId = fresh();
    const executors = Array.from({ length: 20 }, (_, at) => open(`executor-${at}`, long));
    const got = await Promise.all(executors.map((it) => it.acquire(runId)));
    expect(got.filter((it) => it !== undefined)).toMatchObject([
      { runId, token: 1, tookOver: false },
    ]);
  });

  test('a living lease is given to nobody, its holder included', async () => {
    const runId = fresh();
    const one = open('one', long);
    await one.acquire(runId);
    expect(await open('two', long).acquire(runId)).toBeUndefined();
    expect(await one.acquire(runId)).toBeUndefined();
    expect(await one.living([runId, 'other'])).toEqual(new Set([runId]));
  });

  test('a released lease is new to the next one', async () => {
    const runId = fresh();
    const one = open('one', long);
    const lease = await one.acquire(runId);
    await one.release(lease ?? { runId, token: 0 });
    expect(await open('two', long).acquire(runId)).toMatchObject({ tookOver: false });
  });

  test('one that has run out is taken over, and its former holder has no say any more', async () => {
    const runId = fresh();
    const one = open('one', 40);
    const stale = (await one.acquire(runId)) ?? { runId, token: 0 };
    const two = open('two', long);
    const lease = await eventually(async () => (await two.acquire(runId)) ?? false, {
      what: 'the lease to run out',
    });
    expect(lease).toMatchObject({ tookOver: true });
    expect(await one.renew([stale])).toEqual(new Set());
    await one.release(stale);
    await one.expire(stale);
    expect(await two.living([runId])).toEqual(new Set([runId]));
    expect(await two.renew([lease || stale])).toEqual(new Set([runId]));
  });

  test('a renewed lease lives on', async () => {
    const runId = fresh();
    const one = open('one', 300);
    const lease = (await one.acquire(runId)) ?? { runId, token: 0 };
    const until = performance.now() + 700;
    await eventually(
      async () => {
        expect(await one.renew([lease])).toEqual(new Set([runId]));
        return performance.now() > until;
      },
      { what: 'more than its time to pass' },
    );
    expect(await open('two', long).acquire(runId)).toBeUndefined();
  });

  test('one that is given up is taken over at once, by the same executor too', async () => {
    const runId = fresh();
    const one = open('one', long);
    const stale = (await one.acquire(runId)) ?? { runId, token: 0 };
    await one.expire(stale);
    expect(await one.living([runId])).toEqual(new Set());
    const next = await one.acquire(runId);
    expect(next).toMatchObject({ tookOver: true, token: stale.token + 1 });
    expect(await one.renew([stale])).toEqual(new Set());
  });

  test('it tells the time of its clock', async () => {
    const lease = await open('one', long).acquire(fresh());
    expect(Math.abs(Date.parse(lease?.now ?? '') - Date.now())).toBeLessThan(60_000);
  });
}
