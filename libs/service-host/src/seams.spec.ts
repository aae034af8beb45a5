import { consumers, subjects } from '@writ/contracts';
import { MemoryLog, type Projection } from '@writ/event-log';
import { MemoryBus } from '@writ/messaging';
import { eventually } from '@writ/testing';
import {
  areaWithPoints,
  busWithPoints,
  logWithPoints,
  projectionWithPoints,
  type Points,
} from './seams';

const actor = { kind: 'service', id: 'test' } as const;
const metadata = { commandId: 'c', correlationId: 'c', actor };
let ids = 0;
const event = (type: string) => {
  const id = `00000000-0000-7000-8000-${String((ids += 1)).padStart(12, '0')}`;
  return { id, type, schemaVersion: 1, data: {}, metadata };
};

let reached: string[];
const noting: Points = {
  reach: (point) => {
    reached.push(point);
    return Promise.resolve('go');
  },
};
beforeEach(() => {
  reached = [];
});

test('an append passes two points, named by its first event; its answer is the same', async () => {
  const log = logWithPoints('executor', new MemoryLog(), noting);
  const events = [event('RunEnded'), event('Other')];
  const stored = await log.append({ stream: 'run-a', expectedVersion: 0, events });
  expect(stored.map(({ type }) => type)).toEqual(['RunEnded', 'Other']);
  expect(reached).toEqual(['executor.before.append.RunEnded', 'executor.after.append.RunEnded']);
});

test('reads are named by what is read', async () => {
  const log = logWithPoints('planner', new MemoryLog(), noting);
  await log.readStream('run-a');
  await log.readAll();
  await log.lastEvents([]);
  await log.head();
  const befores = reached.filter((point) => point.includes('.before.'));
  expect(befores.map((point) => point.slice('planner.before.'.length))).toEqual([
    ...['read.stream', 'read.all', 'read.last', 'read.head'],
  ]);
});

test('a message is named by its kind, an event and a command by their names', async () => {
  const bus = busWithPoints('planner', new MemoryBus(), noting);
  const attributes = { id: 'm', type: 't', source: '/test' };
  const send = (subject: string, messageId: string) =>
    bus.send({ subject, dataText: '{}', attributes, messageId });
  await send(subjects.work('program'), '1');
  await send(subjects.evaluate('run'), '2');
  await send(subjects.event('run', 'abc', 'RunEnded'), '3');
  await send(subjects.command('stop'), '4');
  expect(reached.filter((point) => point.includes('.after.'))).toEqual([
    'planner.after.send.work',
    'planner.after.send.evaluate',
    'planner.after.send.RunEnded',
    'planner.after.send.stop',
  ]);
});

test('a message that is taken passes a point before its reaction and one before it is acknowledged', async () => {
  const bus = busWithPoints('executor', new MemoryBus(), noting);
  const consumer = consumers.executorEcho;
  const options = { parse: (data: unknown) => data, concurrency: 1 };
  await bus.consume(consumer, options, () => Promise.resolve(void reached.push('the reaction')));
  await bus.send({
    subject: subjects.work('echo'),
    dataText: '{}',
    attributes: { id: 'm', type: 't', source: '/test' },
  });
  await eventually(() => reached.includes('executor.before.ack.executor-echo'), {
    what: 'the ack',
  });
  expect(reached.filter((point) => !point.includes('.send.'))).toEqual([
    'executor.before.take.executor-echo',
    'the reaction',
    'executor.before.ack.executor-echo',
  ]);
  await bus.drain(100);
});

test('a page of a read model passes two points in its transaction, and is the same otherwise', async () => {
  const apply = () => Promise.resolve(void reached.push('applied'));
  const projection = { schema: 'planner', name: 'directive', apply } as unknown as Projection;
  const seamed = projectionWithPoints('planner', projection, noting);
  await seamed.apply([], undefined as never);
  expect(seamed.schema).toBe('planner');
  expect(reached).toEqual([
    'planner.before.apply.directive',
    'applied',
    'planner.after.apply.directive',
  ]);
});

test('what a point throws keeps the call from being made, or hides its answer', async () => {
  const log = new MemoryLog();
  const failingAt = (where: string): Points => ({
    reach: (point) => {
      if (point.includes(where)) return Promise.reject(new Error(`no further than ${where}`));
      return Promise.resolve('go');
    },
  });
  const append = (where: string, stream: string) =>
    logWithPoints('executor', log, failingAt(where)).append({
      ...{ stream, expectedVersion: 0, events: [event('RunEnded')] },
    });
  await expect(append('before', 'run-a')).rejects.toThrow('no further than before');
  await expect(append('after', 'run-b')).rejects.toThrow('no further than after');
  expect((await log.readAll()).map(({ stream }) => stream)).toEqual(['run-b']);
});

test('a call that is to be made twice is, and the first answer counts', async () => {
  let calls = 0;
  const leases = { acquire: () => Promise.resolve((calls += 1)), ttlMs: 10 };
  const twice: Points = { reach: () => Promise.resolve('again') };
  const seamed = areaWithPoints('executor', 'lease', leases, twice);
  expect(await seamed.acquire()).toBe(1);
  expect(calls).toBe(2);
  expect(seamed.ttlMs).toBe(10);
});
