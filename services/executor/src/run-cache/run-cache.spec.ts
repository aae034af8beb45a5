import { streamOf } from '@writ/contracts';
import { MemoryLog } from '@writ/event-log';
import { MemoryBus } from '@writ/messaging';
import { eventually } from '@writ/testing';
import { appendTo, cacheTableConformance, endedRun } from './cache-table.conformance';
import { MemoryCacheTable, reservationTable } from './memory-cache-table';
import { RunCache, type RunCacheOptions } from './run-cache';

describe('the cache table in memory', () => {
  const log = new MemoryLog();
  const reservations = reservationTable();
  cacheTableConformance(() => ({
    log,
    table: (_, ttlMs) => new MemoryCacheTable({ log, reservations, ttlMs }),
    caughtUp: () => Promise.resolve(),
  }));
});

const hash = `sha256:${'a'.repeat(64)}`;
const signal = new AbortController().signal;

/** Processes that share a log, a bus and a table, whose read model never catches up. */
function processes() {
  const log = new MemoryLog();
  const bus = new MemoryBus();
  const reservations = reservationTable();
  let upTo = 0;
  let asked = 0;
  class AskedTable extends MemoryCacheTable {
    override ask(...question: Parameters<MemoryCacheTable['ask']>) {
      asked += 1;
      return super.ask(...question);
    }
  }
  const table = new AskedTable({ log, reservations, ttlMs: 60_000, upTo: () => upTo });
  return {
    log,
    asked: () => asked,
    catchUp: async () => void (upTo = (await log.head()).position),
    open: (more: Partial<RunCacheOptions> = {}) =>
      new RunCache({ table, log, bus, pollMs: 20, ...more }),
  };
}

const find = (cache: RunCache, runId: string, leaving = signal) => cache.find(hash, runId, leaving);

async function succeed(log: MemoryLog, cache: RunCache, step: string): Promise<string> {
  const ended = endedRun(step, hash);
  const position = await appendTo(log, streamOf.run(ended.runId), 'RunEnded', ended);
  cache.succeeded(ended, position);
  return ended.runId;
}

const runId = (step: string) => endedRun(step, hash).runId;

test('a success of this process is found by its next run at once, whatever the read model knows', async () => {
  const { log, open } = processes();
  const cache = open();
  expect(await find(cache, runId('one'))).toEqual({ hit: false });
  await succeed(log, cache, 'one');
  expect(await find(cache, runId('two'))).toMatchObject({ hit: true, runId: runId('one') });
});

test('a second run waits for the first one, and hands out what that made', async () => {
  const { log, open } = processes();
  const cache = open();
  await find(cache, runId('one'));
  const second = find(cache, runId('two'));
  const third = find(cache, runId('three'));
  await succeed(log, cache, 'one');
  expect(await second).toMatchObject({ hit: true, runId: runId('one') });
  expect(await third).toMatchObject({ hit: true, runId: runId('one') });
});

test('a look waits for nobody and holds nobody off', async () => {
  const { log, open, catchUp } = processes();
  const [here, there] = [open(), open()];
  await find(here, runId('one'));
  expect(await here.look(hash, runId('two'))).toBeUndefined();
  expect(await there.look(hash, runId('two'))).toBeUndefined();
  await succeed(log, here, 'one');
  expect(await here.look(hash, runId('two'))).toMatchObject({ runId: runId('one') });
  expect(await there.look(hash, runId('two'))).toBeUndefined(); // the read model lags
  await catchUp();
  expect(await there.look(hash, runId('two'))).toMatchObject({ runId: runId('one') });
});

test('seed defect 23: so does one in another process, from the log, before any read model has it', async () => {
  const { log, open } = processes();
  const [here, there] = [open(), open()];
  await find(here, runId('one'));
  const second = find(there, runId('two'));
  const third = find(there, runId('three'));
  await succeed(log, here, 'one');
  expect(await second).toMatchObject({ hit: true, runId: runId('one') });
  expect(await third).toMatchObject({ hit: true, runId: runId('one') });
});

test('when the first one fails, one of those that wait takes its place', async () => {
  const { open, asked } = processes();
  const [here, there] = [open(), open()];
  await find(here, runId('one'));
  const waiting = [
    find(here, runId('two')),
    find(there, runId('three')),
    find(there, runId('four')),
  ];
  const done: string[] = [];
  waiting.forEach((it, at) => void it.then(() => done.push(['two', 'three', 'four'][at] ?? '')));
  await here.failed(hash, runId('one'));
  await Promise.race(waiting);
  const before = asked();
  // Whoever waits in the other process asks for its turn all the while, and does not get it.
  await eventually(() => asked() >= before + 3, { what: 'the others to ask again' });
  expect(done).toHaveLength(1);
  for (let at = 0; at < 2; at += 1) {
    const next = runId(done[at] ?? '');
    await (done[at] === 'two' ? here : there).failed(hash, next);
    await Promise.race(
      waiting.filter((_, which) => !done.includes(['two', 'three', 'four'][which] ?? '')),
    );
  }
  await Promise.all(waiting);
});

test('nobody waits for longer than allowed', async () => {
  const { open } = processes();
  const cache = open({ waitMs: 50 });
  await find(cache, runId('one'));
  expect(await find(cache, runId('two'))).toEqual({ hit: false });
  expect(await find(open({ waitMs: 50 }), runId('three'))).toEqual({ hit: false });
});

test('whoever has to stop waiting does so at once, and blocks nobody', async () => {
  const { open } = processes();
  const [here, there] = [open(), open()];
  await find(here, runId('one'));
  const controller = new AbortController();
  const waits = [
    find(here, runId('two'), controller.signal),
    find(there, runId('three'), controller.signal),
  ];
  controller.abort(new Error('stop'));
  for (const it of waits) await expect(it).rejects.toThrow('stop');
  await here.failed(hash, runId('one'));
  expect(await find(there, runId('four'))).toEqual({ hit: false });
});

test('a reservation outlives the run until the read model has its success', async () => {
  const { log, open, catchUp } = processes();
  const [here, there] = [open(), open()];
  await find(here, runId('one'));
  await succeed(log, here, 'one');
  await here.beat();
  expect(await find(there, runId('two'))).toMatchObject({ hit: true });
  await catchUp();
  await here.beat();
  expect(await find(here, runId('three'))).toMatchObject({ hit: true, runId: runId('one') });
});

test('the same run may ask again', async () => {
  const { open } = processes();
  const cache = open();
  expect(await find(cache, runId('one'))).toEqual({ hit: false });
  expect(await find(cache, runId('one'))).toEqual({ hit: false });
});

test('what is handed out from memory says how it was judged, and is not when it was judged red', async () => {
  const { log, open } = processes();
  const cache = open();
  await find(cache, runId('one'));
  await succeed(log, cache, 'one');
  await cache.judged(runId('one'), { score: 0.9, level: 'green' });
  expect(await find(cache, runId('two'))).toMatchObject({
    outcome: { confidence: { score: 0.9, level: 'green' } },
  });
  await cache.judged(runId('one'), { score: 0, level: 'red' });
  expect(await find(cache, runId('three'))).toEqual({ hit: false });
});
