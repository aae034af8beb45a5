/** Schedules in planners over memory, whose database has the time that the test says. */
import { randomUUID } from 'node:crypto';
import { openMemoryStore } from '@writ/content-store';
import {
  consumers,
  streamOf,
  subjects,
  type RecordedEvent,
  type ScheduleAnswer,
  type ScheduleEventData,
} from '@writ/contracts';
import { MemoryLog } from '@writ/event-log';
import { connectHandlers, MemoryBus, MemoryServer } from '@writ/messaging';
import { createLogger, createRegistry, metricsOf } from '@writ/observability';
import { eventually } from '@writ/testing';
import { composePlanner } from '../compose-planner';
import { PlannerSubscriptions } from '../subscriptions';
import { composeSchedules } from './compose-schedules';
import { ScheduleSubscriptions } from './subscriptions';

const logger = createLogger({ service: 'planner', instance: 'test', level: 'silent' });
const steps = [{ name: 'one', adapter: { kind: 'echo', output: '${order}' }, verify: 'none' }];
const directive = { title: 't', goal: 'g', variables: { order: 'none' }, chain: { steps } };
const subject = { kind: 'subject', subject: 'orders.>', variablesFrom: { order: '/id' } };
const hourly = { kind: 'cron', cron: '0 * * * *' };

/** One log, one server of messages, one clock; as many planners as are asked for. */
class World {
  time = Date.parse('2026-01-01T11:59:30Z');
  readonly log = new MemoryLog({ now: () => new Date(this.time) });
  looks = 0;
  readonly server = new MemoryServer();
  readonly bus = new MemoryBus({ server: this.server, name: 'stranger' });
  private readonly endings: (() => Promise<void>)[] = [];

  async plan() {
    const bus = new MemoryBus({ server: this.server, name: 'planner' });
    const { log } = this;
    const registry = createRegistry('planner', 'test');
    const now = () => Promise.resolve(new Date(this.time).toISOString());
    const { planner } = composePlanner({
      content: openMemoryStore(),
      ...{ log, bus, logger, reconcileMs: 1_000, unattendedMs: 1_000 },
      metrics: metricsOf(registry, 'planner', 'reconciler'),
      rowsUpToNow: () => Promise.resolve(),
      decisions: { page: () => Promise.resolve([]), ofRuns: () => Promise.resolve([]) },
      approvals: {
        list: () => Promise.resolve([]),
        countPending: () => Promise.resolve({ count: 0, oldestSeconds: 0 }),
      },
      rows: {
        list: () => Promise.resolve([]),
        now,
        unfinished: async () => ({ ids: [], now: await now() }),
        countByStatus: () => Promise.resolve([]),
      },
      rebuild: () => Promise.reject(new Error('not asked for here')),
    });
    const composed = composeSchedules({
      planner,
      metrics: metricsOf(registry, 'schedules'),
      everyMs: 10,
      rowsUpToNow: () => Promise.resolve(),
      rows: {
        list: () => Promise.resolve([]),
        now,
        toWatch: async () => {
          this.looks += 1;
          const counts = { active: 0, paused: 0 };
          return { now: await now(), schedules: await this.schedules(), counts };
        },
      },
    });
    await connectHandlers(bus, new PlannerSubscriptions(planner));
    await connectHandlers(bus, new ScheduleSubscriptions(composed.schedules));
    composed.begin();
    this.endings.push(async () => {
      await composed.stop();
      await bus.drain(0);
    });
    return { planner, registry, ...composed };
  }

  async end(): Promise<void> {
    await Promise.all(this.endings.map((end) => end()));
    await this.bus.drain(0);
  }

  async ask(verb: string, data: object, id: string = randomUUID()): Promise<ScheduleAnswer> {
    const attributes = { id, type: 'writ.command.schedule', source: '/test' };
    const message = { subject: subjects.scheduleCommand(verb), dataText: JSON.stringify(data) };
    const asked = { ...message, attributes, messageId: randomUUID() };
    return (await this.bus.ask(asked, 5_000)) as ScheduleAnswer;
  }

  async create(trigger: object, more: object = {}): Promise<string> {
    const answer = await this.ask('create', { trigger, directive, ...more });
    if (!answer.ok) throw new Error(JSON.stringify(answer));
    return answer.scheduleId;
  }

  tell(words: string, on = 'orders.1'): void {
    this.bus.broadcast(on, Buffer.from(words));
  }

  ofType(type: string): Promise<RecordedEvent[]> {
    return this.log.readAll({ types: [type] });
  }

  /** Two whole looks at all schedules. */
  async looked(): Promise<void> {
    const before = this.looks;
    await eventually(() => this.looks > before + 2, { what: 'two looks at the schedules' });
  }

  async until(type: string, count: number): Promise<RecordedEvent[]> {
    const come = async () => (await this.ofType(type)).length >= count;
    await eventually(come, { what: `${count} ${type}` });
    return this.ofType(type);
  }

  private async schedules() {
    const events = await this.log.readAll({ streamPrefixes: ['schedule-'] });
    const versions = new Map(events.map(({ stream, version }) => [stream, version]));
    return [...versions].map(([stream, version]) => ({ id: stream.slice(9), version }));
  }
}

let world: World;
beforeEach(() => (world = new World()));
afterEach(() => world.end());

const firing = ({ data }: RecordedEvent) => data as ScheduleEventData<'ScheduleFired'>;

it('a time that comes makes a directive by its ordinary command, which names what made it', async () => {
  await world.plan();
  const id = await world.create(hourly);
  expect(await world.ofType('ScheduleFired')).toEqual([]);
  world.time += 60_000;
  const [created] = await world.until('DirectiveCreated', 1);
  const [fired] = await world.ofType('ScheduleFired');
  const { directiveId, scheduledFor, commandId } = firing(fired!);
  expect(scheduledFor).toBe('2026-01-01T12:00:00.000Z');
  expect(created).toMatchObject({
    stream: streamOf.directive(directiveId),
    metadata: { commandId, causationId: fired?.id, actor: { id: `schedule:${id}` } },
  });
});

it('of several planners one makes it', async () => {
  await Promise.all([world.plan(), world.plan(), world.plan()]);
  await world.create(hourly, { overlap: 'allow' });
  for (const hours of [1, 2, 3]) {
    world.time += 3_600_000;
    await world.until('DirectiveCreated', hours);
  }
  const times = (await world.ofType('ScheduleFired')).map((it) => firing(it).scheduledFor);
  expect(times).toEqual([12, 13, 14].map((hour) => `2026-01-01T${hour}:00:00.000Z`));
});

it('a time while the last directive goes on is skipped, on record', async () => {
  await world.plan();
  await world.create(hourly);
  world.time += 60_000;
  await world.until('DirectiveCreated', 1);
  world.time += 3_600_000;
  const [skipped] = await world.until('ScheduleSkipped', 1);
  expect(skipped?.data).toMatchObject({ reason: 'overlap' });
  expect(await world.ofType('DirectiveCreated')).toHaveLength(1);
});

it('a firing without its directive is made whole by whoever looks next, also one that is removed', async () => {
  const { log } = world;
  const first = await world.plan();
  const id = await world.create(hourly);
  await first.stop();
  const occurrence = { by: 'cron', scheduledFor: '2026-01-01T12:00:00.000Z', key: 'k' };
  const made = { directiveId: 'abcdefgh12345678', commandId: 'c', variables: {} };
  const metadata = {
    commandId: 'x',
    correlationId: id,
    actor: { kind: 'service', id: 's' },
  } as const;
  const event = (type: string, data: object) => {
    return { id: randomUUID(), type, schemaVersion: 1, data, metadata };
  };
  const events = [event('ScheduleFired', { ...occurrence, ...made }), event('ScheduleRemoved', {})];
  await log.append({ stream: streamOf.schedule(id), expectedVersion: 1, events });
  const { registry } = await world.plan();
  const [created] = await world.until('DirectiveCreated', 1);
  expect(created?.stream).toBe('directive-abcdefgh12345678');
  expect(await registry.metrics()).toContain('writ_schedule_rerings_total 1');
});

it('a firing whose directive is refused is closed, and rung no more', async () => {
  const { log } = world;
  const { stop } = await world.plan();
  const id = await world.create(hourly);
  await stop();
  const metadata = {
    commandId: 'x',
    correlationId: id,
    actor: { kind: 'service', id: 's' },
  } as const;
  const variables = { inputs: 'a reserved name' };
  const data = { by: 'cron', scheduledFor: '2026-01-01T12:00:00.000Z', key: 'k', variables };
  const made = { directiveId: 'abcdefgh12345678', commandId: 'c' };
  const event = { id: randomUUID(), type: 'ScheduleFired', schemaVersion: 1, metadata };
  const events = [{ ...event, data: { ...data, ...made } }];
  await log.append({ stream: streamOf.schedule(id), expectedVersion: 1, events });
  await world.plan();
  const [refused] = await world.until('ScheduleDirectiveRefused', 1);
  expect(refused?.data).toMatchObject({
    directiveId: made.directiveId,
    code: 'invalid_directive',
  });
  world.time += 7_200_000;
  await world.until('DirectiveCreated', 1);
  await world.looked();
  expect(await world.ofType('ScheduleDirectiveRefused')).toHaveLength(1);
});

it('a message makes one directive however often it comes, in whichever planner', async () => {
  const [, { registry }] = await Promise.all([world.plan(), world.plan()]);
  await world.create(subject);
  for (const words of ['{"id":"A"}', '{"id":"A"}', '{"id":"B"}', '{"id":"A"}']) world.tell(words);
  const created = await world.until('DirectiveCreated', 2);
  await world.until('ScheduleFired', 2);
  const orders = created.map(({ data }) => (data as { variables: object }).variables);
  expect(orders).toMatchObject([{ order: 'A' }, { order: 'B' }]);
  expect(await registry.metrics()).toContain('writ_schedule_occurrences_total');
});

it('a message to a schedule that is paused is let go, one after it was resumed is heard', async () => {
  await world.plan();
  const scheduleId = await world.create(subject);
  await world.ask('pause', { scheduleId });
  world.tell('while paused');
  await world.ask('resume', { scheduleId });
  world.tell('after it');
  const [created] = await world.until('DirectiveCreated', 1);
  expect(created?.data).toMatchObject({ variables: { event: 'after it' } });
  await world.ask('remove', { scheduleId });
  world.tell('too late');
  await world.looked();
  expect(await world.ask('fire', { scheduleId })).toMatchObject({
    error: { code: 'illegal_transition' },
  });
  expect(await world.ofType('DirectiveCreated')).toHaveLength(1);
});

it('a time for which there is no room stays due; one by hand is told to come again', async () => {
  const { planner } = await world.plan();
  const scheduleId = await world.create(hourly);
  planner.admission.noteUnfinished(1_000_000);
  world.time += 60_000;
  expect(await world.ask('fire', { scheduleId })).toMatchObject({ error: { code: 'overloaded' } });
  await world.looked();
  expect(await world.ofType('ScheduleFired')).toEqual([]);
  planner.admission.noteUnfinished(0);
  const [fired] = await world.until('ScheduleFired', 1);
  expect(firing(fired!)).toMatchObject({ by: 'cron', scheduledFor: '2026-01-01T12:00:00.000Z' });
});

it('a schedule that cannot be attended to does not stand in the way of the others', async () => {
  const metadata = {
    commandId: 'x',
    correlationId: 'x',
    actor: { kind: 'service', id: 's' },
  } as const;
  const event = { id: randomUUID(), type: 'SchedulePaused', schemaVersion: 1, data: {}, metadata };
  const stream = streamOf.schedule('aaaaaaaaaaaaaaaa');
  await world.log.append({ stream, expectedVersion: 0, events: [event] });
  await world.plan();
  await world.create(hourly);
  world.time += 60_000;
  await world.until('DirectiveCreated', 1);
});

it('a command that comes again gets its first answer, and a create its schedule', async () => {
  await world.plan();
  const asked = { trigger: hourly, directive };
  const first = await world.ask('create', asked, 'c1');
  expect(await world.ask('create', asked, 'c1')).toEqual(first);
  expect(first).toMatchObject({ ok: true, next: { length: 5 } });
  const other = { ...asked, trigger: { kind: 'cron', cron: '1 * * * *' } };
  expect(await world.ask('create', other, 'c1')).toMatchObject({
    error: { code: 'command_reused' },
  });
  const { scheduleId } = first as { scheduleId: string };
  const fired = await world.ask('fire', { scheduleId, event: 'x' }, 'f1');
  expect(await world.ask('fire', { scheduleId, event: 'y' }, 'f1')).toEqual(fired);
  expect(await world.ask('remove', { scheduleId: 'b'.repeat(16) })).toMatchObject({
    error: { code: 'not_found' },
  });
});

it.each([
  [{ kind: 'cron', cron: '0 0 30 2 *' }, 'invalid_schedule'],
  [{ kind: 'cron', cron: 'whenever' }, 'malformed'],
  [{ kind: 'cron', cron: '? * * * *' }, 'malformed'],
  [{ kind: 'subject', subject: 'writ.command.>' }, 'malformed'],
  [{ kind: 'subject', subject: '$JS.API.>' }, 'malformed'],
  [{ kind: 'subject', subject: '_INBOX.>' }, 'malformed'],
  [{ kind: 'subject', subject: '>' }, 'malformed'],
  [{ kind: 'subject', subject: '*.event' }, 'malformed'],
  [{ kind: 'subject', subject: 'a..b' }, 'malformed'],
  [{ kind: 'subject', subject: 'a.>.b' }, 'malformed'],
])('a schedule by %j is refused: %s', async (trigger, code) => {
  await world.plan();
  expect(await world.ask('create', { trigger, directive })).toMatchObject({ error: { code } });
  expect(consumers.plannerSchedules.subject).toBe('writ.command.schedule.>');
});
