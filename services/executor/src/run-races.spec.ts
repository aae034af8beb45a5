/** Executors that race, die, are stopped, and come back. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { streamOf, streams, subjects, type RunEnded, type RunWork } from '@writ/contracts';
import { processesWith } from '@writ/programs';
import { eventually } from '@writ/testing';
import { MemoryWorld, workOf, type MemoryExecutor } from './memory-executor';
import { leaseTable, MemoryLeases } from './leases/memory-leases';

let world: MemoryWorld;
/** A folder in which every execution leaves a line: a witness that is not our log. */
let witness: string;

beforeEach(() => {
  world = new MemoryWorld();
  witness = realpathSync(mkdtempSync(join(tmpdir(), 'writ-witness-')));
});
afterEach(async () => {
  await world.close();
  rmSync(witness, { recursive: true, force: true });
});

/** Its workspace is the witness, so whoever runs it writes there. */
const witnessed = (script: string, more: Partial<RunWork> = {}): RunWork =>
  workOf({
    adapter: { kind: 'shell', script: `echo start >> lines; ${script}; echo end >> lines` },
    workspace: { spec: { kind: 'directory', path: witness }, path: witness },
    ...more,
  });

const lines = () => {
  try {
    return readFileSync(join(witness, 'lines'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
};

const startedInLog = ({ directiveId, step, runId, attempt }: RunWork) =>
  world.append(streamOf.directive(directiveId), 'StepStarted', { step, runId, attempt });

async function ended(work: RunWork): Promise<RunEnded> {
  const end = await eventually(async () => (await world.endOf(work.runId)) ?? false, {
    what: `the end of ${work.runId}`,
    timeoutMs: 15_000,
  });
  return end || ({} as RunEnded);
}

const begun = (count = 1) =>
  eventually(() => lines().filter((it) => it === 'start').length >= count, { what: 'its start' });

/** A claim of an executor that is gone, made so long ago. */
async function ghostClaim(work: RunWork, by = 'ghost'): Promise<void> {
  const { runId, directiveId, step, attempt } = work;
  await startedInLog(work);
  await world.append(streamOf.run(runId), 'RunClaimed', {
    ...{ runId, directiveId, step, attempt, claim: 1, executorId: by, stages: [] },
    ...{ adapter: { kind: 'shell', version: '1' }, sandbox: 'S2' },
    bundle: { hash: `sha256:${'a'.repeat(64)}`, components: {}, excluded: [] },
  });
}

test('seed defect 15: two executors and fifty rings: one claim, one execution, one end', async () => {
  await world.open('one');
  await world.open('two');
  const work = witnessed('sleep 0.5');
  await startedInLog(work);
  await Promise.all(Array.from({ length: 50 }, () => world.ring(work)));
  await ended(work);
  await Promise.all(Array.from({ length: 10 }, () => world.ring(work)));
  const unheard = () => world.server.messagesOf(streams.work.name).size;
  await eventually(() => unheard() === 0, { what: 'the rings to be heard' });
  expect(await world.typesOf(work.runId)).toEqual(['RunClaimed', 'RunEnded']);
  expect(lines()).toEqual(['start', 'end']);
});

describe('a claim whose executor is gone', () => {
  let one: MemoryExecutor;

  /** A lease that has run out, or none at all. */
  async function taken(
    work: RunWork,
    lease: 'ran out' | 'is missing',
    ttlMs = 10_000,
  ): Promise<void> {
    await ghostClaim(work);
    const leases = leaseTable();
    if (lease === 'ran out') {
      const ghost = new MemoryLeases(leases, 'ghost', ttlMs);
      await ghost.expire((await ghost.acquire(work.runId)) ?? { runId: '', token: 0 });
    }
    const deps = { leases: new MemoryLeases(leases, 'one', ttlMs) };
    one = await world.open('one', { ttlMs, deps });
    await world.ring(work);
  }

  const idle = () => eventually(() => one.active.size === 0, { what: 'nothing to be under way' });

  test('is taken over when the step is idempotent', async () => {
    const work = witnessed('true', { idempotent: true });
    await taken(work, 'ran out');
    expect(await ended(work)).toMatchObject({ result: 'success', claim: 2, executorId: 'one' });
    expect(await world.typesOf(work.runId)).toEqual(['RunClaimed', 'RunClaimed', 'RunEnded']);
    expect(lines()).toEqual(['start', 'end']);
  });

  test('is ended as in doubt when it is not, and nothing runs', async () => {
    const work = witnessed('true');
    await taken(work, 'ran out');
    expect(await ended(work)).toMatchObject({
      ...{ result: 'failed', claim: 2, executorId: 'one' },
      error: { kind: 'in_doubt', message: expect.stringContaining('ghost') },
    });
    await idle();
    expect(lines()).toEqual([]);
    expect(await world.typesOf(work.runId)).toEqual(['RunClaimed', 'RunEnded']);
  });

  test('and whose lease row is missing is left alone until its time is over', async () => {
    const work = witnessed('true', { idempotent: true });
    await taken(work, 'is missing', 1_500);
    const claimedAt = Date.parse(
      (await world.log.readStream(streamOf.run(work.runId)))[0]?.recordedAt ?? '',
    );
    await eventually(
      async () => {
        await world.ring(work);
        return (await world.endOf(work.runId)) !== undefined;
      },
      { what: 'somebody to take over', every: 100 },
    );
    expect(Date.now() - claimedAt).toBeGreaterThan(1_400);
    expect(await ended(work)).toMatchObject({ claim: 2 });
  });
});

test('a run that is taken over and has nothing to run any more is claimed before it is ended', async () => {
  const adapter = { kind: 'shell', script: 'echo the same' } as const;
  const first = await world.start({ adapter, cache: true, idempotent: true });
  const second = workOf({ adapter, cache: true, idempotent: true });
  await ghostClaim(second);
  const leases = leaseTable();
  const ghost = new MemoryLeases(leases, 'ghost', 10_000);
  await ghost.expire((await ghost.acquire(second.runId)) ?? { runId: '', token: 0 });
  await world.open('one', { deps: { leases: new MemoryLeases(leases, 'one', 10_000) } });
  expect(await ended(first)).toMatchObject({ result: 'success' });
  await world.ring(second);
  expect(await ended(second)).toMatchObject({
    ...{ result: 'skipped', claim: 2, executorId: 'one' },
    source: { runId: first.runId },
  });
  expect(await world.typesOf(second.runId)).toEqual(['RunClaimed', 'RunClaimed', 'RunEnded']);
});

test('an executor that hears of its lease too late takes nothing from the one that came after', async () => {
  const ttlMs = 1_000;
  const leases = leaseTable();
  let tell = (): void => undefined;
  const told = new Promise<void>((resolve) => (tell = resolve));
  class Slow extends MemoryLeases {
    override async acquire(runId: string) {
      const lease = await super.acquire(runId);
      await told;
      return lease;
    }
  }
  const work = witnessed('sleep 2', { idempotent: true });
  await ghostClaim(work);
  const ghost = new MemoryLeases(leases, 'ghost', ttlMs);
  await ghost.expire((await ghost.acquire(work.runId)) ?? { runId: '', token: 0 });
  const slow = await world.open('slow', {
    ...{ ttlMs, deps: { leases: new Slow(leases, 'slow', ttlMs) } },
  });
  await world.ring(work);
  await eventually(() => leases.held.get(work.runId)?.executorId === 'slow', { what: 'its lease' });
  await world.open('quick', { ttlMs, deps: { leases: new MemoryLeases(leases, 'quick', ttlMs) } });
  await eventually(
    async () => {
      await world.ring(work);
      return lines().length > 0;
    },
    { what: 'the other one to begin', every: 100 },
  );
  tell();
  await eventually(() => slow.active.size === 0, { what: 'the slow one to give up' });
  expect(await ended(work)).toMatchObject({ result: 'success', claim: 2, executorId: 'quick' });
  expect(await world.typesOf(work.runId)).toEqual(['RunClaimed', 'RunClaimed', 'RunEnded']);
  expect(lines()).toEqual(['start', 'end']);
});

test('an executor that loses its lease kills what it runs and writes nothing', async () => {
  const one = await world.open('one');
  const work = witnessed('sleep 30', { idempotent: true });
  await startedInLog(work);
  await world.ring(work);
  await begun();
  const two = await world.open('two', { ttlMs: 60_000 });
  // As if the time of the lease were over: the other one takes it.
  const [run] = one.active.leased();
  await one.leases.expire(run?.lease ?? { runId: '', token: 0 });
  const lease = await two.leases.acquire(work.runId);
  expect(lease).toMatchObject({ tookOver: true });
  const began = performance.now();
  await one.keeper.beat();
  await eventually(() => one.active.size === 0, { what: 'the first one to give up' });
  expect(performance.now() - began).toBeLessThan(2_000);
  await eventually(() => processesWith('WRIT_RUN', work.runId).length === 0, {
    what: 'its program',
  });
  expect(await world.typesOf(work.runId)).toEqual(['RunClaimed']);
  expect(await one.metricsText()).toMatch(/writ_lease_losses_total [1-9]/);
  // It did not take the lease from the new holder either.
  expect(await two.leases.living([work.runId])).toEqual(new Set([work.runId]));
});

test('a lease that cannot be renewed in time counts as lost, and the run is taken over', async () => {
  const failing = { on: false };
  const leases = leaseTable();
  class Cut extends MemoryLeases {
    override renew(...given: Parameters<MemoryLeases['renew']>) {
      return failing.on ? Promise.reject(new Error('cut off')) : super.renew(...given);
    }
  }
  const ttlMs = 2_000;
  const one = await world.open('one', { ttlMs, deps: { leases: new Cut(leases, 'one', ttlMs) } });
  const work = witnessed('if [ -f again ]; then exit 0; fi; touch again; sleep 30', {
    idempotent: true,
  });
  await startedInLog(work);
  await world.ring(work);
  await begun();
  failing.on = true;
  await eventually(() => one.active.size === 0, { what: 'it to give up' });
  failing.on = false;
  const end = await ended(work);
  expect(end.result).toBe('success');
  expect(end.claim).toBeGreaterThan(1);
});

test('a process that stops ends what outlasts it; another goes on with it', async () => {
  const one = await world.open('one');
  const quick = witnessed('sleep 0.2', { step: 'quick' });
  const long = witnessed('if [ -f again ]; then exit 0; fi; touch again; sleep 30', {
    idempotent: true,
  });
  for (const work of [quick, long]) {
    await startedInLog(work);
    await world.ring(work);
  }
  await begun(2);
  const began = performance.now();
  await one.stop();
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(await world.endOf(quick.runId)).toMatchObject({ result: 'success' });
  expect(await world.endOf(long.runId)).toBeUndefined();
  expect(processesWith('WRIT_RUN', long.runId)).toEqual([]);
  await world.open('two');
  await world.ring(long);
  expect(await ended(long)).toMatchObject({ result: 'success', claim: 2, executorId: 'two' });
});

test('a run that waits for a slot is given back at once, as if it had never been taken', async () => {
  const one = await world.open('one', { env: { WRIT_MAX_PROGRAMS: '1' } });
  const first = witnessed('sleep 30', { idempotent: true });
  const waiting = witnessed('true', { step: 'waiting' });
  await startedInLog(first);
  await world.ring(first);
  await begun();
  await startedInLog(waiting);
  await world.ring(waiting);
  await eventually(() => one.active.size === 2, { what: 'it to wait' });
  await one.stop();
  expect(await world.typesOf(waiting.runId)).toEqual([]);
  await world.open('two');
  await world.ring(waiting);
  expect(await ended(waiting)).toMatchObject({ result: 'success', claim: 1 });
});

describe('runs with one bundle', () => {
  const same = (step: string, script = 'sleep 0.4; echo made > out.txt') =>
    workOf({ step, adapter: { kind: 'shell', script }, cache: true, outputs: ['out.txt'] });

  async function startAll(works: RunWork[]): Promise<RunEnded[]> {
    for (const work of works) await startedInLog(work);
    await Promise.all(works.map((work) => world.ring(work)));
    return Promise.all(works.map(ended));
  }

  test('at the same time on two executors: one executes, the others hand out what it made', async () => {
    await world.open('one');
    await world.open('two');
    const ends = await startAll(['a', 'b', 'c', 'd'].map((step) => same(step)));
    const executed = ends.filter((it) => it.result === 'success');
    expect(executed).toHaveLength(1);
    for (const end of ends.filter((it) => it.result !== 'success')) {
      expect(end).toMatchObject({ result: 'skipped', source: { runId: executed[0]?.runId } });
      expect(end.artifacts).toEqual(executed[0]?.artifacts);
    }
  });

  test('when the first one fails, the next one executes', async () => {
    await world.open('one');
    await world.open('two');
    const ends = await startAll(['a', 'b', 'c'].map((step) => same(step, 'sleep 0.2; exit 1')));
    expect(ends.map((it) => it.result)).toEqual(['failed', 'failed', 'failed']);
  });

  test('that was judged red is executed again', async () => {
    await world.open('one');
    const first = same('a');
    await startAll([first]);
    const { runId, directiveId } = first;
    const red = {
      ...{ runId, directiveId, step: 'a', checks: [], summary: '', durationMs: 1 },
      confidence: { score: 0, level: 'red' },
    };
    await world.append(streamOf.evaluation(runId), 'EvaluationCompleted', red);
    const subject = subjects.event('evaluation', runId, 'EvaluationCompleted');
    world.bus.broadcast(subject, Buffer.from(JSON.stringify(red)));
    const [again] = await startAll([same('b')]);
    expect(again).toMatchObject({ result: 'success' });
  });

  test('in another workspace state they are not the same', async () => {
    await world.open('one');
    const at = (step: string) => ({
      ...witnessed('echo made > out.txt', { step, cache: true }),
    });
    const [first] = await startAll([at('a')]);
    const [second] = await startAll([at('b')]);
    expect([first?.result, second?.result]).toEqual(['success', 'success']);
    expect(first?.bundle?.hash).not.toBe(second?.bundle?.hash);
  });
});
