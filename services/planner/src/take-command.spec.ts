import { openMemoryStore } from '@writ/content-store';
import { randomUUID } from 'node:crypto';
import {
  consumers,
  subjects,
  systemClock,
  type CommandAnswer,
  type DirectiveFileInput,
  type RunWork,
} from '@writ/contracts';
import { MemoryLog } from '@writ/event-log';
import { connectHandlers, MemoryBus } from '@writ/messaging';
import { createLogger, createRegistry, metricsOf } from '@writ/observability';
import { eventually } from '@writ/testing';
import { composePlanner } from './compose-planner';
import { PlannerSubscriptions } from './subscriptions';

const buses: MemoryBus[] = [];
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.drain(0)));
});

/** A planner that lets in little, and an executor that takes work and never ends it. */
async function startPlanner(limits: { maxWaiting?: number; maxUnfinished?: number }) {
  let elapsed = 0;
  const clock = { ...systemClock, now: () => elapsed };
  const [log, bus] = [new MemoryLog(), new MemoryBus()];
  buses.push(bus);
  const registry = createRegistry('planner', 'test');
  const composed = composePlanner({
    ...{ log, bus, clock, random: () => 0.5, reconcileMs: 1_000, unattendedMs: 1_000 },
    ...limits,
    content: openMemoryStore(),
    logger: createLogger({ service: 'planner', instance: 'test', level: 'silent' }),
    metrics: metricsOf(registry, 'planner', 'reconciler'),
    rowsUpToNow: () => Promise.resolve(),
    decisions: { page: () => Promise.resolve([]), ofRuns: () => Promise.resolve([]) },
    approvals: {
      list: () => Promise.resolve([]),
      countPending: () => Promise.resolve({ count: 0, oldestSeconds: 0 }),
    },
    rows: {
      list: () => Promise.resolve([]),
      now: () => Promise.resolve(new Date(0).toISOString()),
      unfinished: () => Promise.resolve({ ids: [], now: new Date(0).toISOString() }),
      countByStatus: () => Promise.resolve([]),
    },
    rebuild: () => Promise.reject(new Error('not asked for here')),
  });
  await connectHandlers(bus, new PlannerSubscriptions(composed.planner));
  const endings: (() => void)[] = [];
  const options = { parse: (data: unknown) => data as RunWork, concurrency: 100 };
  await bus.consume(
    consumers.executorEcho,
    options,
    () => new Promise<void>((resolve) => endings.push(resolve)),
  );
  const create = (command: object = {}, id: string = randomUUID()) =>
    bus.ask(messageOf('create', { directive: file(), ...command }, id), 5_000) as Promise<Answer>;
  const tell = (verb: string, data: object) =>
    bus.ask(messageOf(verb, data, randomUUID()), 5_000) as Promise<Answer>;
  const later = (ms = 1_000) => void (elapsed += ms);
  const finishAll = () => endings.splice(0).forEach((end) => end());
  return { ...composed, log, bus, registry, create, tell, later, finishAll, endings };
}

type Answer = CommandAnswer & { directiveId: string; error: { code: string; details: object } };

const messageOf = (verb: string, data: object, id: string) => ({
  subject: subjects.command(verb),
  dataText: JSON.stringify(data),
  messageId: randomUUID(),
  attributes: { id, type: `writ.command.directive.${verb}`, source: '/test' },
});

function file(side = 1, more: Partial<DirectiveFileInput> = {}): DirectiveFileInput {
  const steps = Array.from({ length: side }, (_, at) => {
    return { name: `s-${at}`, adapter: { kind: 'echo' as const }, verify: 'none' as const };
  });
  return { title: 't', goal: 'g', limits: { maxParallelSteps: 10 }, chain: { steps }, ...more };
}

const work = (started: Awaited<ReturnType<typeof startPlanner>>, count: number) =>
  eventually(() => started.endings.length === count, { what: `${count} pieces of work` });

test('with as much under way as is wise a new directive is refused, and told when to come again', async () => {
  const started = await startPlanner({ maxWaiting: 3 });
  for (let at = 0; at < 3; at += 1) expect(await started.create()).toMatchObject({ ok: true });
  await work(started, 3);
  expect(await started.create()).toEqual({
    ok: false,
    error: {
      code: 'overloaded',
      message: '3 pieces of work wait, and 3 are the limit; send the same command again in 1500 ms',
      details: { retryAfterMs: 1_500 },
    },
  });
  const metrics = await started.registry.metrics();
  expect(metrics).toContain('writ_admission_refused_total{reason="waiting"} 1');
  expect(metrics).toContain('writ_directive_commands_total{verb="create",outcome="refused"} 1');
});

test('a command that was refused for want of room is decided when it comes again', async () => {
  const started = await startPlanner({ maxWaiting: 1 });
  await started.create();
  await work(started, 1);
  started.later();
  const id = randomUUID();
  expect(await started.create({}, id)).toMatchObject({ error: { code: 'overloaded' } });
  started.finishAll();
  started.later();
  expect(await started.create({}, id)).toMatchObject({ ok: true });
});

test('a create that was accepted before gets its first answer, however full it is', async () => {
  const started = await startPlanner({ maxWaiting: 1 });
  const id = randomUUID();
  const first = await started.create({}, id);
  await work(started, 1);
  expect(first.ok).toBe(true);
  expect(await started.create()).toMatchObject({ error: { code: 'overloaded' } });
  expect(await started.create({}, id)).toEqual(first);
});

test('whoever wants to stop a directive is heard, however full it is', async () => {
  const started = await startPlanner({ maxWaiting: 1 });
  const { directiveId } = await started.create();
  await work(started, 1);
  expect(await started.create()).toMatchObject({ error: { code: 'overloaded' } });
  expect(await started.tell('stop', { directiveId })).toMatchObject({ ok: true });
});

test('who does not listen for an answer gets in: a refusal would be a loss', async () => {
  const started = await startPlanner({ maxWaiting: 1 });
  await started.create();
  await work(started, 1);
  await started.bus.send(messageOf('create', { directive: file() }, randomUUID()));
  await work(started, 2);
  expect(await started.create()).toMatchObject({ error: { code: 'overloaded' } });
});

test('a wide directive takes the room of all the steps that it begins with', async () => {
  const started = await startPlanner({ maxWaiting: 10 });
  expect(await started.create({ directive: file(10) })).toMatchObject({ ok: true });
  expect(await started.create()).toMatchObject({ error: { code: 'overloaded' } });
  const drafts = await startPlanner({ maxWaiting: 1 });
  for (let at = 0; at < 3; at += 1) {
    expect(await drafts.create({ start: false })).toMatchObject({ ok: true });
  }
});

test('programs that wait for their turn close no door', async () => {
  const started = await startPlanner({ maxWaiting: 2 });
  const long = file(1, {
    workspace: { kind: 'directory', path: '/tmp' },
    chain: { steps: [{ name: 'a', adapter: { kind: 'program', argv: ['sleep', '9'] } }] },
  });
  for (let at = 0; at < 10; at += 1) {
    expect(await started.create({ directive: long })).toMatchObject({ ok: true });
    started.later();
  }
});

test('directives that never end close it at last', async () => {
  const started = await startPlanner({ maxUnfinished: 2 });
  for (let at = 0; at < 2; at += 1) expect(await started.create()).toMatchObject({ ok: true });
  const refused = await started.create();
  expect(refused).toMatchObject({ error: { code: 'overloaded' } });
  started.planner.admission.noteUnfinished(1);
  expect(await started.create()).toMatchObject({ ok: true });
});
