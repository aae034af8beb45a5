/**
 * Every job with the least that it can measure, most of them on one stack. What the figures are does
 * not matter here; that they are figures of what was to be measured does.
 */
import { Directives } from './directives';
import type { Job, Parameters, Stage } from './job';
import { jobs } from './jobs';
import { Stack } from './stack';

let stack: Stack;
const clients: Directives[] = [];

beforeAll(async () => {
  process.env['WRIT_MAX_WAITING'] = '12'; // so that little is too much already
  stack = new Stack();
  await stack.up();
}, 120_000);

afterAll(async () => {
  delete process.env['WRIT_MAX_WAITING'];
  await Promise.all(clients.map((client) => client.close()));
  await stack?.remove();
}, 60_000);

function measured(name: string, parameters: Parameters, rounds = 1) {
  const connect = async () => {
    const client = await Directives.open(stack.natsUrl);
    clients.push(client);
    return client;
  };
  const stage: Stage = { stack, rounds, warmUp: 1, say: () => undefined, connect };
  const job = jobs.find((it) => it.name === name) as Job;
  const standard = Object.fromEntries(job.options.map((it) => [it.name, it.standard]));
  return job.measure(stage, { ...standard, ...parameters });
}

const above = (least: number) => ({
  asymmetricMatch: (value: unknown) => typeof value === 'number' && value > least,
});
const latencyMs = { p50: above(0), p99: above(0), max: above(0) };
const services = ['postgres', 'nats', 'planner', 'executor', 'verifier', 'manifest', 'gateway'];
const ofAll = Object.fromEntries([...services, 'bench'].map((name) => [name, above(-1)]));
const usage = { cpuSeconds: ofAll, rssMiB: ofAll };

test.each<[string, Parameters]>([
  ['chain', { directives: 2, steps: 3 }],
  ['fan-out', { steps: 3 }],
  ['single', { steps: 2, times: 2 }],
  ['cached', { steps: 2, times: 2 }],
])('%s tells steps a second, latencies, processor time and memory', async (name, parameters) => {
  const result = await measured(name, parameters, 2);
  expect(result).toEqual({
    ...{ seconds: above(0), stepsPerSecond: above(0), latencyMs, ...usage },
    rounds: Array.from({ length: 2 }, () => {
      return { seconds: above(0), stepsPerSecond: above(0), latencyMs };
    }),
  });
});

test('append tells events a second', async () => {
  const result = await measured('append', { writers: 2, batch: 3, seconds: 1 });
  expect(result).toMatchObject({ eventsPerSecond: above(10), latencyMs });
});

test('idle tells memory and processor time, those of PostgreSQL apart', async () => {
  const result = await measured('idle', { settle: 0, seconds: 1 });
  expect(result).toMatchObject({
    ...usage,
    withoutPostgres: { rssMiB: above(100), shareMiB: above(50), cpuPercent: above(-1) },
  });
});

test('recover lets a service die in the middle, and all directives come to their end', async () => {
  const result = await measured('recover', { directives: 3, steps: 5, kill: 'executor' });
  expect(result).toMatchObject({
    stepsPerSecond: above(0),
    firstNewStepSeconds: above(0),
    allDoneSeconds: above(0),
    ranTwiceAtOnce: 0,
    recoveries: [{ completed: 3, doneBeforeKill: above(5), begunAgain: above(-1) }],
  });
}, 120_000);

test('overload is refused with a time to come again, and what was accepted is done', async () => {
  // So many that within one look at what waits more come than there is room for, however low the peak.
  const few = { steps: 3, atOnce: 10, peakSeconds: 1, times: 100, seconds: 1 };
  for (const door of ['http', 'nats']) {
    const result = await measured('overload', { ...few, door });
    expect(result).toMatchObject({
      ...{ accepted: above(0), refused: above(0), lost: 0, otherRefused: 0, otherLost: 0 },
      ...{ goodputOfPeak: above(-1), peakPerSecond: above(0), latencyMs },
    });
    expect(result['drainSeconds']).toBeLessThan(60);
    expect(result['offered']).toBe(Number(result['accepted']) + Number(result['refused']));
  }
}, 120_000);

test('rebuild makes a long log of one finished directive, and its read models are right', async () => {
  const result = await measured('rebuild', { events: 300, finished: 20 });
  expect(result).toMatchObject({
    eventsPerSecond: above(0),
    past: { events: above(200), directives: 20 },
    services: { planner: { events: above(100) }, executor: { events: above(50) } },
  });
}, 120_000);

test('beside measures the same before and after the log has a past', async () => {
  const past = { events: 300, finished: 20 };
  const result = await measured('beside', { ...past, directives: 2, steps: 2 });
  expect(result).toMatchObject({
    ...{ stepsPerSecond: above(0), readySeconds: above(0), ratio: above(0), cpuRatio: above(0) },
    before: { stepsPerSecond: above(0), readySeconds: above(0) },
    past: { events: above(200) },
  });
}, 180_000);

test('approve tells the time from a decision to the next step running', async () => {
  const result = await measured('approve', { directives: 2, steps: 3 });
  expect(result).toMatchObject({
    ...{ latencyMs, approvals: 4, answeredMs: latencyMs, startedMs: latencyMs },
  });
}, 60_000);

test('large folds, shows and commands one directive with a long life', async () => {
  const result = await measured('large', { steps: 60, events: 1_200 });
  const fold = { ms: above(0), cpuMs: above(0) };
  expect(result).toMatchObject({
    ...{ latencyMs, events: above(1_000), waiting: 40, shownBytes: above(10_000) },
    ...{ firstShowMs: above(0), showMs: latencyMs },
    folds: { without: [fold, fold, fold], withSnapshot: [fold, fold] },
  });
}, 180_000);
