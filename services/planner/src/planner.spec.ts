import { openMemoryStore } from '@writ/content-store';
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  approvalIdOf,
  consumers,
  directiveIdFrom,
  eventSubject,
  subjects,
  systemClock,
  type ApprovalDocument,
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
import { Admission } from './admission';
import { countDirectives } from './count-directives';
import { NotedTogether } from './follow-runs';
import { knownDirectives } from './known-directives';
import { People } from './people';
import { sha256, type Planner } from './planner';
import { createReconciler } from './reconcile';
import { PlannerSubscriptions } from './subscriptions';

const logger = createLogger({ service: 'planner', instance: 'test', level: 'silent' });

/** A planner on memory, with an executor of one line: it keeps the work it is given. */
async function startPlanner() {
  let time = Date.parse('2026-01-01T00:00:00Z');
  const log = new MemoryLog({ now: () => new Date(time) });
  const bus = new MemoryBus();
  const registry = createRegistry('planner', 'test');
  const metrics = metricsOf(registry, 'planner', 'reconciler');
  const limits = { maxWaiting: 1_000, maxUnfinished: 1_000 };
  const chance = { clock: systemClock, random: () => 0 };
  const planner: Planner = {
    log,
    bus,
    content: openMemoryStore(),
    logger,
    admission: new Admission({ bus, logger, metrics, ...chance, ...limits }),
    known: knownDirectives(log),
    people: { rolesOf: (person: string) => people.rolesOf(person) } as People,
    notedTogether: new NotedTogether(),
    stepsAhead: 16,
    directives: new Aggregates({ log, decider: directiveDecider }),
    decisions: { page: () => Promise.resolve([]), ofRuns: () => Promise.resolve([]) },
    approvals: {
      list: () => Promise.resolve([]),
      countPending: () => Promise.resolve({ count: 0, oldestSeconds: 0 }),
    },
    rows: {
      list: () => Promise.resolve([]),
      now: () => Promise.resolve(new Date(time).toISOString()),
      unfinished: async () => {
        const events = await log.readAll({ streamPrefixes: ['directive-'] });
        const ids = [...new Set(events.map((it) => it.stream.slice('directive-'.length)))];
        return { ids, now: new Date(time).toISOString() };
      },
    },
    metrics,
    rebuild: () => Promise.reject(new Error('not asked for here')),
  };
  await connectHandlers(bus, new PlannerSubscriptions(planner));
  const work: RunWork[] = [];
  const traces: (string | undefined)[] = [];
  await bus.consume(
    consumers.executorEcho,
    { parse: (data) => data as RunWork, concurrency: 8 },
    (message) => {
      work.push(message.data);
      traces.push(message.attributes.traceparent);
      return Promise.resolve();
    },
  );
  const passMinutes = (minutes: number) => {
    time += minutes * 60_000;
  };
  return { planner, registry, log, bus, work, traces, passMinutes };
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

const ask = (to: Started, verb: string, data: unknown, commandId?: string) =>
  askText(to, verb, JSON.stringify(data), commandId);

function askText(
  { bus }: Started,
  verb: string,
  dataText: string,
  commandId: string = randomUUID(),
): Promise<CommandAnswer> {
  const message = {
    subject: subjects.command(verb),
    dataText,
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

const never = { unattendedMs: 1_000_000, stuckAfterRings: 100 };

const stepsOf = async (here: Started, id: string) =>
  ((await here.bus.query(subjects.query('planner', 'directive'), { id })) as DirectiveDocument)
    .steps;

const statusOf = async (here: Started, id: string) =>
  ((await here.bus.query(subjects.query('planner', 'directive'), { id })) as DirectiveDocument)
    .status;

let here: Started;
let people: People;
beforeEach(async () => {
  people = People.parse('nobody=lead');
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

  it.each([[{ planner: { kind: 'llm' as const } }, '/planner/kind']])(
    'is refused for what is not there yet: %j',
    async (more, path) => {
      const answer = await ask(here, 'create', { directive: file(more) });
      expect(answer).toMatchObject({
        ok: false,
        error: { code: 'not_available', details: { issues: [{ path }] } },
      });
    },
  );

  it.each(['1e999', '[-1e400]'])('with the number %s in it is answered at once', async (number) => {
    const text = JSON.stringify(file()).replace('"echo"', `"echo","output":${number}`);
    const answer = await askText(here, 'create', `{"directive":${text}}`);
    expect(answer).toMatchObject({ ok: false, error: { code: 'malformed' } });
    expect(JSON.stringify(answer)).toContain('output');
  });

  it.each(['title', 'goal'])(
    'with a NUL in its %s is answered, and nothing is kept',
    async (key) => {
      const answer = await ask(here, 'create', { directive: file({ [key]: 'a\0b' }) });
      expect(answer).toMatchObject({ ok: false, error: { code: 'malformed' } });
      expect((await here.log.head()).position).toBe(0);
    },
  );

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
    const directiveId = await create(here);
    const one = endOf(await workFor(here, 'one'));
    await Promise.all([tell(here, one), tell(here, one), tell(here, one)]);
    await tell(here, endOf(await workFor(here, 'two')));
    await eventually(async () => (await statusOf(here, directiveId)) === 'completed', {
      what: 'the directive to complete',
    });
    const types = (await here.log.readAll()).map((event) => event.type);
    expect(types.filter((type) => type === 'StepPassed')).toHaveLength(2);
    expect(types.filter((type) => type === 'DirectiveCompleted')).toHaveLength(1);
  });

  it('goes on over runs that ended together, in one append, and sends no work for them', async () => {
    const directiveId = await create(here);
    const work = await workFor(here, 'one');
    const [two] = work.next as [RunWork];
    const ends = [{ ...endOf(work), next: [two.runId] }, endOf(two)];
    for (const ended of ends) await record(here, `run-${ended.runId}`, 'RunEnded', ended);
    const { position } = await here.log.head();
    for (const ended of ends) await tell(here, ended);
    await eventually(async () => (await statusOf(here, directiveId)) === 'completed', {
      what: 'the directive to complete',
    });
    const events = await here.log.readAll({ after: position });
    const causes = new Set(events.map(({ metadata }) => metadata.causationId));
    expect([events.length, causes.size]).toEqual([4, 1]);
    expect(here.work).toHaveLength(1);
  });

  it('sends the work of a run that was named as ended and is not on record', async () => {
    await create(here);
    const work = await workFor(here, 'one');
    const [two] = work.next as [RunWork];
    await tell(here, { ...endOf(work), next: [two.runId] });
    expect((await workFor(here, 'two')).runId).toBe(two.runId);
  });

  it('hears an end again that was swallowed with an earlier one once', async () => {
    const directiveId = await create(here);
    const work = await workFor(here, 'one');
    const [two] = work.next as [RunWork];
    await tell(here, { ...endOf(work), next: [two.runId] }); // which two never was
    await workFor(here, 'two');
    await tell(here, endOf(two));
    await tell(here, endOf(two));
    await eventually(async () => (await statusOf(here, directiveId)) === 'completed', {
      what: 'the directive to complete',
    });
  });

  it('refuses an illegal command the same way each time it is asked', async () => {
    const directiveId = await create(here);
    const first = await ask(here, 'resume', { directiveId }, 'r-1');
    await ask(here, 'pause', { directiveId });
    expect(await ask(here, 'resume', { directiveId }, 'r-1')).toEqual(first);
    expect(first).toMatchObject({ ok: false, error: { code: 'illegal_transition' } });
    expect(await statusOf(here, directiveId)).toBe('paused');
  });

  it('waits for a person, and goes on when he approves what he has seen', async () => {
    const manual = file({ autonomy: 'manual', approvals: { roles: ['lead'] } });
    const { directiveId = '' } = (await ask(here, 'create', { directive: manual })) as {
      directiveId?: string;
    };
    await tell(here, endOf(await workFor(here, 'one')));
    const approval = await eventually(
      async () => {
        const question = { id: approvalIdOf(`${directiveId}-g1-one-a1`) };
        return (await here.bus.query(
          subjects.query('planner', 'approval'),
          question,
        )) as ApprovalDocument;
      },
      { what: 'the approval' },
    );
    const { id: approvalId, digest } = approval as ApprovalDocument;
    const vote = { directiveId, approvalId, digest };
    expect(await ask(here, 'approve', vote, 'v-1')).toMatchObject({
      error: { code: 'not_allowed', message: expect.stringContaining('lead') as string },
    });
    people = People.parse('unknown=lead');
    expect(
      await ask(here, 'approve', { ...vote, digest: `sha256:${'0'.repeat(64)}` }),
    ).toMatchObject({
      error: { code: 'stale' },
    });
    const first = await ask(here, 'approve', vote, 'v-2');
    expect(first).toMatchObject({ ok: true, directiveId });
    expect(await ask(here, 'approve', vote, 'v-2')).toEqual(first);
    expect(await ask(here, 'deny', vote, 'v-3')).toMatchObject({ error: { code: 'stale' } });
    expect((await workFor(here, 'two')).attempt).toBe(1);
  });

  it('ends when the deadline of what it asks is over, also after a time in which nothing ran', async () => {
    const manual = file({ autonomy: 'manual', approvals: { deadlineMinutes: 30 } });
    const answer = await ask(here, 'create', { directive: manual });
    const { directiveId = '' } = answer as { directiveId?: string };
    await tell(here, endOf(await workFor(here, 'one')));
    await eventually(
      async () => (await stepsOf(here, directiveId))[0]?.status === 'awaiting_approval',
      { what: 'the approval' },
    );
    here.passMinutes(29);
    const reconcile = createReconciler(here.planner, { ...never, now: () => 0 });
    await reconcile();
    expect(await statusOf(here, directiveId)).toBe('active');
    here.passMinutes(2);
    await reconcile();
    expect(await stepsOf(here, directiveId)).toMatchObject([
      { status: 'blocked', reason: expect.stringContaining('nobody decided') as string },
      { status: 'blocked' },
    ]);
  });

  it('that nobody knows is not found', async () => {
    const answer = await ask(here, 'pause', { directiveId: 'aaaaaaaaaaaaaaaa' });
    expect(answer).toMatchObject({ ok: false, error: { code: 'not_found' } });
  });
});

/** An event that an executor has recorded and whose message was lost. */
async function record({ log }: Started, stream: string, type: string, data: object) {
  const actor = { kind: 'service' as const, id: 'x' };
  const metadata = { commandId: 'x', correlationId: 'x', actor };
  const expectedVersion = (await log.readStream(stream, { limit: 10_000 })).length;
  const event = { id: randomUUID(), type, schemaVersion: 1, data, metadata };
  await log.append({ stream, expectedVersion, events: [event] });
}

async function create(here: Started, more: Partial<DirectiveFileInput> = {}): Promise<string> {
  const answer = await ask(here, 'create', { directive: file(more) });
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.directiveId;
}

describe('everything about a directive', () => {
  it.each([
    ['its creator sent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`],
    ['follows from its id', undefined],
    ['follows from its id', 'nonsense'],
  ])('belongs to the one trace that %s', async (_, traceparent) => {
    const directiveId = 'abcdefgh12345678';
    const command = (verb: string, data: object, own?: string) => {
      const id = randomUUID();
      const attributes = { id, type: `writ.command.directive.${verb}`, source: '/test' };
      const subject = subjects.command(verb);
      const dataText = JSON.stringify(data);
      const sent = own === undefined ? attributes : { ...attributes, traceparent: own };
      return here.bus.ask({ subject, dataText, attributes: sent }, 5_000);
    };
    await command('create', { directiveId, directive: file() }, traceparent);
    const other = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
    await command('pause', { directiveId }, other);
    await command('resume', { directiveId }, other);
    const ended = endOf(await workFor(here, 'one'));
    await record(here, `run-${ended.runId}`, 'RunEnded', ended);
    await createReconciler(here.planner, { unattendedMs: 0, stuckAfterRings: 3, now: () => 0 })();
    await workFor(here, 'two');
    const events = await here.log.readAll({ streamPrefixes: ['directive-'] });
    const traces = [...here.traces, ...events.map(({ metadata }) => metadata.traceparent)];
    expect(new Set(traces).size).toBe(1);
    expect(traces[0]).toMatch(
      traceparent?.startsWith('00-') ? traceparent : /^00-\w{32}-\w{16}-01$/,
    );
  });
});

/** Two steps are merged at about the same time; whoever hears of it hears of the second one first. */
async function mergesOutOfOrder(hear: (merged: readonly object[]) => Promise<void>): Promise<void> {
  const steps = ['one', 'two'].map((name) => {
    return { name, adapter: { kind: 'echo' as const }, verify: 'none' as const };
  });
  const more = { workspace: { kind: 'git' as const, repository: '/r' }, chain: { steps } };
  const directiveId = await create(here, more);
  const workspace = `workspace-${directiveId}`;
  const prepared = { directiveId, kind: 'git', path: '/r', branch: 'b', baseCommit: 'c' };
  await record(here, workspace, 'WorkspacePrepared', prepared);
  await createReconciler(here.planner, { unattendedMs: 0, stuckAfterRings: 3, now: () => 0 })();
  for (const step of ['one', 'two']) {
    await tell(here, { ...endOf(await workFor(here, step)), commit: step.repeat(8) });
  }
  const typed = (type: string) => async () =>
    (await here.log.readAll()).filter((event) => event.type === type);
  await eventually(async () => (await typed('StepMerging')()).length === 2, { what: 'the merges' });
  const merged = [];
  for (const [step, commit] of Object.entries({ two: 'head of two', one: 'head of both' })) {
    const data = { directiveId, runId: `${directiveId}-g1-${step}-a1`, step, commit };
    await record(here, workspace, 'StepMerged', data);
    merged.push(data);
  }
  await hear(merged);
  const completed = await eventually(
    async () => (await typed('DirectiveCompleted')())[0] ?? false,
    {
      what: 'the end',
    },
  );
  expect(completed).toMatchObject({ data: { commit: 'head of both' } });
  const passed = (await typed('StepPassed')()).map(({ data }) => (data as { step: string }).step);
  expect(passed).toEqual(['two', 'one']);
}

test('a merge whose message comes before that of an earlier one is noted after it', async () => {
  await mergesOutOfOrder(async ([first, second]) => {
    const messages = [
      { version: 3, data: second },
      { version: 2, data: first },
    ];
    for (const { version, data } of messages) {
      const { directiveId } = data as { directiveId: string };
      const attributes = { id: randomUUID(), type: 't', source: '/test', version };
      const subject = eventSubject(`workspace-${directiveId}`, 'StepMerged');
      await here.bus.send({ subject, dataText: JSON.stringify(data), attributes });
    }
  });
});

describe('the reconciler', () => {
  const atOnce = { unattendedMs: 0, stuckAfterRings: 3, now: () => 0 };

  it('rings work again that nobody attends to, and not before its time', async () => {
    let now = 0;
    const options = { unattendedMs: 100, stuckAfterRings: 3, now: () => now };
    const reconcile = createReconciler(here.planner, options);
    await reconcile(); // the first pass rings whatever is due; nothing is yet
    await create(here);
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
    await create(here);
    const ended = endOf(await workFor(here, 'one'));
    await record(here, `run-${ended.runId}`, 'RunEnded', ended);
    await createReconciler(here.planner, atOnce)();
    await workFor(here, 'two');
    expect(here.work.filter((work) => work.step === 'one')).toHaveLength(1);
  });

  it('notes runs that ended together with the first of them', async () => {
    const directiveId = await create(here);
    const work = await workFor(here, 'one');
    const [two] = work.next as [RunWork];
    await record(here, `run-${work.runId}`, 'RunEnded', { ...endOf(work), next: [two.runId] });
    await record(here, `run-${two.runId}`, 'RunEnded', endOf(two));
    await createReconciler(here.planner, atOnce)();
    expect(await statusOf(here, directiveId)).toBe('completed');
    expect(here.work).toHaveLength(1);
  });

  it('goes on with the others when one directive cannot be read', async () => {
    const broken = await create(here);
    const sound = await create(here);
    await record(here, `directive-${broken}`, 'SomethingOfTheFuture', {});
    here.work.length = 0;
    await createReconciler(here.planner, atOnce)();
    await eventually(() => here.work.some((work) => work.directiveId === sound), {
      what: 'the ring for the sound one',
    });
    expect(await gauge(here, 'writ_directives_stuck')).toBe(1);
  });

  it('calls a directive stuck when nobody begins with its work, but not while it is worked on', async () => {
    let now = 0;
    const reconcile = createReconciler(here.planner, { ...atOnce, now: () => now });
    await create(here, { chain: { steps: [{ name: 'one', adapter: { kind: 'echo' } }] } });
    const { runId, timeoutMs } = await workFor(here, 'one');
    for (let pass = 0; pass < 3; pass += 1) await reconcile();
    expect(await gauge(here, 'writ_directives_stuck')).toBe(1);
    await record(here, `run-${runId}`, 'RunClaimed', {});
    await reconcile();
    expect(await gauge(here, 'writ_directives_stuck')).toBe(0);
    now = timeoutMs + 1;
    await reconcile();
    expect(await gauge(here, 'writ_directives_stuck')).toBe(1);
    await eventually(() => here.work.length === 3, { what: 'the last ring' });
  });

  it('finds a merge among the thousands of its workspace', async () => {
    const directiveId = await create(here, { workspace: { kind: 'git', repository: '/r' } });
    const workspace = `workspace-${directiveId}`;
    const prepared = { directiveId, kind: 'git', path: '/r', branch: 'b', baseCommit: 'c' };
    await record(here, workspace, 'WorkspacePrepared', prepared);
    const reconcile = createReconciler(here.planner, atOnce);
    await reconcile();
    const work = await workFor(here, 'one');
    await tell(here, { ...endOf(work), commit: 'a'.repeat(40) });
    await eventually(async () => /Merging/.test((await here.log.readAll()).at(-1)?.type ?? ''), {
      what: 'the merge to be due',
    });
    const merged = { directiveId, runId: `${directiveId}-g1-other-a1`, step: 'other', commit: 'd' };
    for (let other = 0; other < 1_000; other += 1) {
      await record(here, workspace, 'StepMerged', merged);
    }
    await record(here, workspace, 'StepMerged', { ...merged, runId: work.runId, step: 'one' });
    await reconcile();
    await workFor(here, 'two');
  });

  it('notes merges in the order in which they were made, so that no commit is named that lacks one', async () => {
    await mergesOutOfOrder(async () => {
      const reconcile = createReconciler(here.planner, atOnce);
      await reconcile();
    });
  });

  it('suspends a directive whose time is over; a resume gives it the same time again', async () => {
    const directiveId = await create(here, { limits: { maxWallTimeMinutes: 10 } });
    const reconcile = createReconciler(here.planner, atOnce);
    await reconcile();
    here.passMinutes(9);
    await reconcile();
    expect(await statusOf(here, directiveId)).toBe('active');
    here.passMinutes(1);
    await reconcile();
    await reconcile();
    expect(await statusOf(here, directiveId)).toBe('suspended');
    const all = await here.log.readAll();
    const suspensions = all.filter(({ type }) => type === 'DirectiveSuspended');
    expect(suspensions.map(({ data }) => data)).toMatchObject([
      { kind: 'time', reason: expect.stringContaining('maxWallTimeMinutes (10)') as string },
    ]);
    await ask(here, 'resume', { directiveId });
    here.passMinutes(9);
    await reconcile();
    expect(await statusOf(here, directiveId)).toBe('active');
  });
});

test.each(['alice', 'alice=Big', 'a=b=c', '=lead', 'alice=lead,,bob=lead'])(
  '%j says of nobody which roles he has',
  (text) => expect(() => People.parse(text)).toThrow(/is not person=role|names/),
);

test('people have the roles that the installation gives them', () => {
  const known = People.parse('alice=reviewer+lead, bob=reviewer');
  expect(['alice', 'bob', 'eve'].map((it) => known.rolesOf(it))).toEqual([
    ['reviewer', 'lead'],
    ['reviewer'],
    [],
  ]);
});

describe('the count of directives by state', () => {
  it('goes back to 0 for a state in which there is none any more', async () => {
    const { metrics } = here.planner;
    const rows = [[{ status: 'active' as const, count: 3 }], []];
    const countByStatus = () => Promise.resolve(rows.shift() ?? []);
    const approvals = { countPending: () => Promise.resolve({ count: 2, oldestSeconds: 60 }) };
    await countDirectives({ countByStatus }, approvals, metrics);
    expect(await gauge(here, 'writ_directives', { state: 'active' })).toBe(3);
    expect(await gauge(here, 'writ_approvals_pending')).toBe(2);
    expect(await gauge(here, 'writ_approval_oldest_age_seconds')).toBe(60);
    await countDirectives({ countByStatus }, approvals, metrics);
    expect(await gauge(here, 'writ_directives', { state: 'active' })).toBe(0);
  });
});

async function gauge(
  { registry }: Started,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | undefined> {
  const found = await registry.getSingleMetric(name)?.get();
  return found?.values.find((it) => isDeepStrictEqual(it.labels, labels))?.value;
}
