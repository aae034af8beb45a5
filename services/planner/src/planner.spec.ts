import { randomUUID } from 'node:crypto';
import {
  consumers,
  directiveIdFrom,
  eventSubject,
  subjects,
  type CommandAnswer,
  type DirectiveDocument,
  type DirectiveFileInput,
  type RunEnded,
  type RunWork,
} from '@writ/contracts';
import { directiveDecider } from '@writ/domain';
import { Aggregates, MemoryLog } from '@writ/event-log';
import { connectHandlers, MemoryBus } from '@writ/messaging';
import { createLogger, createRegistry, metricsOf } from '@writ/observability';
import { eventually } from '@writ/testing';
import { sha256, type Planner } from './planner';
import { createReconciler } from './reconcile';
import { PlannerSubscriptions } from './subscriptions';

const logger = createLogger({ service: 'planner', instance: 'test', level: 'silent' });

/** A planner on memory, with an executor of one line: it keeps the work it is given. */
async function startPlanner() {
  const log = new MemoryLog();
  const bus = new MemoryBus();
  const planner: Planner = {
    log,
    bus,
    logger,
    directives: new Aggregates({ log, decider: directiveDecider }),
    rows: {
      list: () => Promise.resolve([]),
      unfinished: async () => {
        const events = await log.readAll({ streamPrefixes: ['directive-'] });
        return [...new Set(events.map((it) => it.stream.slice('directive-'.length)))];
      },
    },
    metrics: metricsOf(createRegistry('planner', 'test'), 'planner', 'reconciler'),
    rebuild: () => Promise.reject(new Error('not asked for here')),
  };
  await connectHandlers(bus, new PlannerSubscriptions(planner));
  const work: RunWork[] = [];
  await bus.consume(
    consumers.executorEcho,
    { parse: (data) => data as RunWork, concurrency: 8 },
    (message) => Promise.resolve(void work.push(message.data)),
  );
  return { planner, log, bus, work };
}

type Started = Awaited<ReturnType<typeof startPlanner>>;

const file = (more: Partial<DirectiveFileInput> = {}): DirectiveFileInput => ({
  title: 't',
  goal: 'g',
  chain: {
    steps: [
      { name: 'one', adapter: { kind: 'echo' }, verify: 'none' },
      { name: 'two', dependsOn: ['one'], adapter: { kind: 'echo' }, verify: 'none' },
    ],
  },
  ...more,
});

function ask(
  { bus }: Started,
  verb: string,
  data: unknown,
  commandId: string = randomUUID(),
): Promise<CommandAnswer> {
  const message = {
    subject: subjects.command(verb),
    dataText: JSON.stringify(data),
    // A repeated command is a message of its own; the bus must not be the one that drops it.
    messageId: randomUUID(),
    attributes: { id: commandId, type: `writ.command.directive.${verb}`, source: '/test' },
  };
  return bus.ask(message, 5_000) as Promise<CommandAnswer>;
}

const endOf = (work: RunWork): RunEnded => ({
  runId: work.runId,
  directiveId: work.directiveId,
  step: work.step,
  attempt: 1,
  claim: 1,
  executorId: 'test',
  adapter: { kind: 'echo', version: '1' },
  result: 'success',
  stages: [],
  attempts: [],
  exitCode: 0,
  artifacts: [],
  durationMs: 1,
});

function tell({ bus }: Started, ended: RunEnded): Promise<void> {
  const id = randomUUID();
  const attributes = { id, type: 'writ.run.RunEnded', source: '/writ/executor' };
  const subject = eventSubject(`run-${ended.runId}`, 'RunEnded');
  return bus.send({ subject, dataText: JSON.stringify(ended), attributes });
}

async function workFor(here: Started, step: string): Promise<RunWork> {
  const find = () => here.work.find((work) => work.step === step);
  await eventually(() => find() !== undefined, { what: `work for ${step}` });
  return find() as RunWork;
}

const statusOf = async (here: Started, id: string) =>
  ((await here.bus.query(subjects.query('planner', 'directive'), { id })) as DirectiveDocument)
    .status;

let here: Started;
beforeEach(async () => {
  here = await startPlanner();
});
afterEach(() => here.bus.drain(1_000));

describe('a create command', () => {
  it('makes a directive, answers with its place, and sends the first work', async () => {
    const answer = await ask(here, 'create', { directive: file() }, 'c-1');
    const directiveId = directiveIdFrom('c-1', sha256);
    expect(answer).toEqual({ ok: true, directiveId, version: 4, position: 4 });
    expect((await workFor(here, 'one')).runId).toBe(`${directiveId}-g1-one-a1`);
  });

  it('gets the same answer when it comes twenty times at once, and makes one directive', async () => {
    const all = Array.from({ length: 20 }, () => ask(here, 'create', { directive: file() }, 'c-2'));
    const answers = await Promise.all(all);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect((await here.log.head()).position).toBe(4);
  });

  it('is refused when its id comes again with other content', async () => {
    await ask(here, 'create', { directive: file() }, 'c-3');
    const again = await ask(here, 'create', { directive: file({ title: 'other' }) }, 'c-3');
    expect(again).toMatchObject({ ok: false, error: { code: 'command_reused' } });
  });

  it('is refused with all issues when its chain is not sound', async () => {
    const steps = [
      { name: 'a', dependsOn: ['b'], adapter: { kind: 'echo' as const } },
      { name: 'a', adapter: { kind: 'echo' as const } },
    ];
    const answer = await ask(here, 'create', { directive: file({ chain: { steps } }) });
    expect(answer).toMatchObject({
      ok: false,
      error: {
        code: 'invalid_directive',
        details: { issues: [{ code: 'duplicate_step' }, { code: 'unknown_dependency' }] },
      },
    });
    expect((await here.log.head()).position).toBe(0);
  });

  it.each([
    [{ planner: { kind: 'llm' as const } }, '/planner/kind'],
    [{ autonomy: 'manual' as const }, '/autonomy'],
  ])('is refused for what is not there yet: %j', async (more, path) => {
    const answer = await ask(here, 'create', { directive: file(more) });
    expect(answer).toMatchObject({
      ok: false,
      error: { code: 'not_available', details: { issues: [{ path }] } },
    });
  });

  it('that does not fit its schema is answered, and kept as a dead letter', async () => {
    const answer = await ask(here, 'create', { directive: { title: 't' } });
    expect(answer).toMatchObject({ ok: false, error: { code: 'malformed' } });
    expect(await here.bus.deadLetters.list()).toHaveLength(1);
  });

  it('with an unknown verb is answered with those there are', async () => {
    const answer = await ask(here, 'explode', {});
    expect(answer).toMatchObject({ ok: false, error: { code: 'malformed' } });
    expect(JSON.stringify(answer)).toContain('pause');
  });
});

describe('a directive', () => {
  it('goes on with each run that ends, whatever comes twice, and completes', async () => {
    const answer = await ask(here, 'create', { directive: file() });
    if (!answer.ok) throw new Error(answer.error.message);
    const one = endOf(await workFor(here, 'one'));
    await Promise.all([tell(here, one), tell(here, one), tell(here, one)]);
    await tell(here, endOf(await workFor(here, 'two')));
    await eventually(async () => (await statusOf(here, answer.directiveId)) === 'completed', {
      what: 'the directive to complete',
    });
    const types = (await here.log.readAll()).map((event) => event.type);
    expect(types.filter((type) => type === 'StepPassed')).toHaveLength(2);
    expect(types.filter((type) => type === 'DirectiveCompleted')).toHaveLength(1);
  });

  it('refuses an illegal command the same way each time it is asked', async () => {
    const answer = await ask(here, 'create', { directive: file() });
    if (!answer.ok) throw new Error(answer.error.message);
    const { directiveId } = answer;
    const first = await ask(here, 'resume', { directiveId }, 'r-1');
    await ask(here, 'pause', { directiveId });
    expect(await ask(here, 'resume', { directiveId }, 'r-1')).toEqual(first);
    expect(first).toMatchObject({ ok: false, error: { code: 'illegal_transition' } });
    expect(await statusOf(here, directiveId)).toBe('paused');
  });

  it('that nobody knows is not found', async () => {
    const answer = await ask(here, 'pause', { directiveId: 'aaaaaaaaaaaaaaaa' });
    expect(answer).toMatchObject({ ok: false, error: { code: 'not_found' } });
  });
});

describe('the reconciler', () => {
  it('rings work again that nobody attends to, and not before its time', async () => {
    let now = 0;
    const options = { unattendedMs: 100, stuckAfterRings: 3, now: () => now };
    const reconcile = createReconciler(here.planner, options);
    await reconcile(); // the first pass rings whatever is due; nothing is yet
    await ask(here, 'create', { directive: file() });
    await workFor(here, 'one');
    await reconcile();
    now = 99;
    await reconcile();
    expect(here.work).toHaveLength(1);
    now = 100;
    await reconcile();
    await eventually(() => here.work.length === 2, { what: 'the second ring' });
  });

  it('notes what the log shows as done, when its message was lost', async () => {
    const answer = await ask(here, 'create', { directive: file() });
    if (!answer.ok) throw new Error(answer.error.message);
    const ended = endOf(await workFor(here, 'one'));
    const metadata = {
      commandId: 'x',
      correlationId: 'x',
      actor: { kind: 'service' as const, id: 'x' },
    };
    await here.log.append({
      stream: `run-${ended.runId}`,
      expectedVersion: 0,
      events: [{ id: randomUUID(), type: 'RunEnded', schemaVersion: 1, data: ended, metadata }],
    });
    const options = { unattendedMs: 0, stuckAfterRings: 3, now: () => 0 };
    await createReconciler(here.planner, options)();
    await workFor(here, 'two');
    expect(here.work.filter((work) => work.step === 'one')).toHaveLength(1);
  });
});
