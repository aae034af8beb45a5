/** People and what waits for them, through a planner on memory. */
import { randomUUID } from 'node:crypto';
import { openMemoryStore } from '@writ/content-store';
import {
  consumers,
  eventSubject,
  subjects,
  type ApprovalDocument,
  type CommandAnswer,
  type DirectiveDocument,
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

async function startPlanner() {
  const [log, bus, content] = [new MemoryLog(), new MemoryBus(), openMemoryStore()];
  buses.push(bus);
  const { planner } = composePlanner({
    ...{ log, bus, content, reconcileMs: 1_000, unattendedMs: 1_000 },
    logger: createLogger({ service: 'planner', instance: 'test', level: 'silent' }),
    metrics: metricsOf(createRegistry('planner', 'test'), 'planner', 'reconciler'),
    rowsUpToNow: () => Promise.resolve(),
    approvals: {
      list: () => Promise.resolve([]),
      countPending: () => Promise.resolve({ count: 0, oldestSeconds: 0 }),
    },
    rows: {
      list: () => Promise.resolve([]),
      now: () => Promise.resolve('2026-01-01T00:00:00.000Z'),
      unfinished: () => Promise.resolve({ ids: [], now: '' }),
      countByStatus: () => Promise.resolve([]),
    },
    decisions: { page: () => Promise.resolve([]), ofRuns: () => Promise.resolve([]) },
    rebuild: () => Promise.reject(new Error('not asked for here')),
  });
  await connectHandlers(bus, new PlannerSubscriptions(planner));
  const work: RunWork[] = [];
  // An executor that ends what it is given at once.
  const options = { parse: (data: unknown) => data as RunWork, concurrency: 20 };
  await bus.consume(consumers.executorEcho, options, async ({ data }) => {
    work.push(data);
    const { runId, directiveId, step, attempt } = data;
    const ended = {
      ...{ runId, directiveId, step, attempt, claim: 1, executorId: 'e', result: 'success' },
      ...{ adapter: { kind: 'echo', version: '1' }, stages: [], attempts: [], exitCode: 0 },
      ...{ artifacts: [], durationMs: 1 },
    };
    const attributes = { id: randomUUID(), type: 'writ.run.RunEnded', source: '/writ/executor' };
    const subject = eventSubject(`run-${runId}`, 'RunEnded');
    await bus.send({ subject, dataText: JSON.stringify(ended), attributes });
  });
  const say = (verb: string, data: object, person?: string, commandId: string = randomUUID()) => {
    const id = commandId;
    const actor =
      person === 'a service'
        ? ({ kind: 'service', id: 'someone' } as const)
        : ({ kind: 'person', id: person ?? 'ada' } as const);
    const type = `writ.command.directive.${verb}`;
    return bus.ask(
      {
        ...{ subject: subjects.command(verb), dataText: JSON.stringify(data) },
        ...{ messageId: randomUUID(), attributes: { id, type, source: '/test', actor } },
      },
      5_000,
    ) as Promise<CommandAnswer>;
  };
  const create = async (steps: object[], more: object = {}) => {
    const directive = { title: 't', goal: 'g', chain: { steps }, ...more };
    const answer = await say('create', { directive });
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.directiveId;
  };
  const show = async (id: string) =>
    (await bus.query(subjects.query('planner', 'directive'), { id })) as DirectiveDocument;
  const pending = async (id: string, count: number): Promise<ApprovalDocument[]> => {
    let found: ApprovalDocument[] = [];
    const look = async () => {
      found = (await show(id)).approvals.filter(({ status }) => status === 'pending');
      return found.length === count;
    };
    await eventually(look, { what: `${count} approvals` });
    return found;
  };
  return { log, bus, content, work, say, create, show, pending };
}

const echo = { kind: 'echo' };
const human = { kind: 'human', question: 'Which?', choices: ['red', 'blue'] };
const about = ({ directiveId, id: approvalId, digest }: ApprovalDocument) => {
  return { directiveId, approvalId, digest };
};

test('of ten that are decided about at once, by several each, each is resolved exactly once', async () => {
  const here = await startPlanner();
  const steps = Array.from({ length: 10 }, (_, at) => ({ name: `s-${at}`, adapter: echo }));
  const limits = { maxParallelSteps: 10 };
  const id = await here.create(steps, { autonomy: 'manual', limits });
  const approvals = await here.pending(id, 10);
  const votes = approvals.flatMap((approval) =>
    ['ada', 'bob', 'carol'].map((person) => here.say('approve', about(approval), person)),
  );
  const answers = await Promise.all(votes.reverse());
  expect(answers.filter(({ ok }) => ok)).toHaveLength(10);
  const refused = answers.flatMap((it) => (it.ok ? [] : [it.error.code]));
  expect(new Set(refused)).toEqual(new Set(['stale']));
  const types = (await here.log.readAll()).map(({ type }) => type);
  for (const type of ['ApprovalRequested', 'ApprovalVoted', 'ApprovalResolved', 'StepPassed']) {
    expect(types.filter((it) => it === type)).toHaveLength(10);
  }
  expect((await here.show(id)).status).toBe('completed');
});

test('the answer to a step is content that later steps get, with who gave it and when', async () => {
  const here = await startPlanner();
  const id = await here.create([
    { name: 'ask', adapter: human },
    { name: 'use', adapter: echo, dependsOn: ['ask'] },
  ]);
  const [asked] = (await here.pending(id, 1)) as [ApprovalDocument];
  expect(here.work).toEqual([]);
  expect(asked).toMatchObject({ type: 'question', choices: ['red', 'blue'], quorum: 1 });
  expect(await here.say('answer', { ...about(asked), choice: 'green' })).toMatchObject({
    error: { code: 'incomplete', message: 'the answer is one of: red, blue' },
  });
  const stale = { ...about(asked), digest: `sha256:${'0'.repeat(64)}` };
  expect(await here.say('answer', { ...stale, choice: 'red' })).toMatchObject({
    error: { code: 'stale' },
  });
  const first = await here.say('answer', { ...about(asked), choice: 'red' }, 'bob', 'the-same');
  expect(first).toMatchObject({ ok: true });
  expect(await here.say('answer', { ...about(asked), choice: 'red' }, 'bob', 'the-same')).toEqual(
    first,
  );
  await eventually(() => here.work.length === 1, { what: 'work' });
  const [artifact] = here.work[0]?.dependencies[0]?.artifacts ?? [];
  expect(artifact).toMatchObject({ path: 'answer.json', authoredBy: 'bob' });
  const bytes = await here.content.get(artifact?.digest ?? '');
  expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({
    ...{ question: 'Which?', answer: 'red', by: 'bob', at: '2026-01-01T00:00:00.000Z' },
  });
  expect(bytes).toHaveLength(artifact?.bytes ?? 0);
});

test('what people ask about an approval is answered, and neither decides', async () => {
  const here = await startPlanner();
  const id = await here.create([{ name: 'one', adapter: echo }], { autonomy: 'manual' });
  const [asked] = (await here.pending(id, 1)) as [ApprovalDocument];
  const { digest: _, ...which } = about(asked);
  await here.say('ask', { ...which, question: 'why?' }, 'bob');
  await here.say('answer', { ...which, text: 'because' }, 'ada');
  const [now] = await here.pending(id, 1);
  expect(now?.questions).toMatchObject([{ text: 'why?', by: 'bob', answers: [{ by: 'ada' }] }]);
  expect(now?.digest).toBe(asked.digest);
  expect(await here.say('answer', { ...which, choice: 'x' })).toMatchObject({
    error: { code: 'incomplete' },
  });
  expect(await here.say('answer', { ...about(asked), text: 'x' })).toMatchObject({
    error: { code: 'not_available' },
  });
});

test.each(['approve', 'deny', 'ask', 'answer'])('a service does not %s', async (verb) => {
  const here = await startPlanner();
  const id = await here.create([{ name: 'one', adapter: echo }], { autonomy: 'manual' });
  const [asked] = (await here.pending(id, 1)) as [ApprovalDocument];
  const { digest, ...which } = about(asked);
  const more = verb === 'ask' ? { question: 'why?' } : { digest };
  const answer = await here.say(verb, { ...which, ...more }, 'a service');
  expect(answer).toMatchObject({ ok: false, error: { code: 'not_allowed' } });
});
