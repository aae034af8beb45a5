/** Rules in planners over memory: beside people in shadow, and in their place once promoted. */
import { randomUUID } from 'node:crypto';
import { openMemoryStore } from '@writ/content-store';
import {
  consumers,
  eventSubject,
  subjects,
  type ApprovalDocument,
  type CommandAnswer,
  type DirectiveDocument,
  type RecordedEvent,
  type RuleAnswer,
  type RuleDocument,
  type RunWork,
} from '@writ/contracts';
import { MemoryLog } from '@writ/event-log';
import { connectHandlers, MemoryBus, MemoryServer } from '@writ/messaging';
import { createLogger, createRegistry, metricsOf } from '@writ/observability';
import { eventually } from '@writ/testing';
import { composePlanner } from '../compose-planner';
import { PlannerSubscriptions } from '../subscriptions';
import { composeRules } from './compose-rules';
import { RuleSubscriptions } from './subscriptions';

const logger = createLogger({ service: 'planner', instance: 'test', level: 'silent' });
const now = () => Promise.resolve('2026-01-01T00:00:00.000Z');

/** One log, one server of messages, an executor; as many planners as are asked for. */
class World {
  readonly log = new MemoryLog();
  looks = 0;
  /** Whether the read model knows of rules. */
  lists = true;
  private readonly server = new MemoryServer();
  readonly bus = new MemoryBus({ server: this.server, name: 'stranger' });
  private readonly endings: (() => Promise<void>)[] = [];

  async plan() {
    const bus = new MemoryBus({ server: this.server, name: 'planner' });
    const { log } = this;
    const { planner } = composePlanner({
      ...{ content: openMemoryStore(), log, bus, logger, reconcileMs: 1_000, unattendedMs: 1_000 },
      metrics: metricsOf(createRegistry('planner', 'test'), 'planner', 'reconciler'),
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
    const composed = composeRules({
      ...{ planner, everyMs: 10, rowsUpToNow: () => Promise.resolve() },
      rows: {
        list: () => Promise.resolve([]),
        live: async () => {
          this.looks += 1;
          const events = await this.ofType('RuleCreated');
          return this.lists ? events.map(({ stream }) => stream.slice('rule-'.length)) : [];
        },
      },
    });
    await connectHandlers(bus, new PlannerSubscriptions(planner));
    await connectHandlers(bus, new RuleSubscriptions(composed.rules));
    composed.begin();
    const end = async () => {
      await composed.stop();
      await bus.drain(0);
    };
    this.endings.push(end);
    return { planner, ...composed };
  }

  /** An executor that ends what it is given at once. */
  async execute(): Promise<void> {
    const options = { parse: (data: unknown) => data as RunWork, concurrency: 20 };
    await this.bus.consume(consumers.executorEcho, options, async ({ data }) => {
      const { runId, directiveId, step, attempt } = data;
      const ended = {
        ...{ runId, directiveId, step, attempt, claim: 1, executorId: 'e', result: 'success' },
        ...{ adapter: { kind: 'echo', version: '1' }, stages: [], attempts: [], exitCode: 0 },
        ...{ artifacts: [], durationMs: 1 },
      };
      const attributes = { id: randomUUID(), type: 'writ.run.RunEnded', source: '/writ/executor' };
      const subject = eventSubject(`run-${runId}`, 'RunEnded');
      await this.bus.send({ subject, dataText: JSON.stringify(ended), attributes });
    });
  }

  async end(): Promise<void> {
    await Promise.all(this.endings.map((end) => end()));
    await this.bus.drain(0);
  }

  private async ask(subject: string, data: object, person = 'ada', kind = 'person') {
    const actor = { kind: kind as 'person', id: person };
    const attributes = { id: randomUUID(), type: 'writ.command', source: '/test', actor };
    const message = { subject, dataText: JSON.stringify(data), messageId: randomUUID() };
    return (await this.bus.ask({ ...message, attributes }, 5_000)) as CommandAnswer & RuleAnswer;
  }

  tell(verb: string, data: object, person?: string, kind?: string): Promise<RuleAnswer> {
    return this.ask(subjects.ruleCommand(verb), data, person, kind);
  }

  async rule(more: object = {}, maker = 'maker'): Promise<void> {
    const rule = {
      name: 'echoes',
      when: { adapters: ['echo'] },
      verdict: 'approve',
      promoteAfter: 1,
    };
    const answer = await this.tell('create', { ...rule, ...more }, maker);
    if (!answer.ok) throw new Error(JSON.stringify(answer));
  }

  /** A step that waits for somebody: its id, and what is to be decided. */
  async request(approvals: object = {}, by = 'eve', title = 't'): Promise<ApprovalDocument> {
    const steps = [{ name: 'one', adapter: { kind: 'echo', output: 'x' }, verify: 'none' }];
    const directive = { title, goal: 'g', autonomy: 'manual', approvals, chain: { steps } };
    const answer = await this.ask(subjects.command('create'), { directive }, by);
    if (!answer.ok) throw new Error(JSON.stringify(answer));
    let found: ApprovalDocument | undefined;
    const look = async () => {
      [found] = (await this.directive(answer.directiveId)).approvals;
      return found !== undefined;
    };
    await eventually(look, { what: 'an approval' });
    return found as ApprovalDocument;
  }

  async directive(id: string): Promise<DirectiveDocument> {
    const subject = subjects.query('planner', 'directive');
    return (await this.bus.query(subject, { id })) as DirectiveDocument;
  }

  async decide({ id, digest, directiveId }: ApprovalDocument, verb: string, person = 'ada') {
    const data = { approvalId: id, directiveId, digest };
    return this.ask(subjects.command(verb), data, person);
  }

  /** One judgement that agrees is enough here. */
  async promoted(more: object = {}): Promise<void> {
    await this.rule(more);
    await this.decide(await this.request(), 'approve');
    await this.until('RuleJudged', 1);
    expect(await this.tell('promote', { name: 'echoes' }, 'lead')).toMatchObject({ ok: true });
  }

  async show(name = 'echoes'): Promise<RuleDocument> {
    return (await this.bus.query(subjects.query('planner', 'rule'), { name })) as RuleDocument;
  }

  ofType(type: string): Promise<RecordedEvent[]> {
    return this.log.readAll({ types: [type] });
  }

  async until(type: string, count: number): Promise<RecordedEvent[]> {
    const come = async () => (await this.ofType(type)).length >= count;
    await eventually(come, { what: `${count} ${type}` });
    return this.ofType(type);
  }

  /** Two whole looks at what was asked and decided. */
  async looked(): Promise<void> {
    const before = this.looks;
    await eventually(() => this.looks > before + 4, { what: 'looks at the log' });
  }
}

let world: World;
beforeEach(async () => {
  world = new World();
  await world.execute();
});
afterEach(() => world.end());

it('a rule in shadow says what it would have said, and leaves it to people', async () => {
  await world.plan();
  await world.rule();
  await world.rule({ name: 'no-echoes', verdict: 'deny' });
  await world.rule({ name: 'others', when: { adapters: ['http'] } });
  const asked = await world.request();
  await world.looked();
  expect(await world.ofType('ApprovalVoted')).toEqual([]);
  await world.decide(asked, 'approve');
  const judged = await world.until('RuleJudged', 2);
  const about = { approvalId: asked.id, digest: asked.digest, humanVerdict: 'approve' };
  expect(judged.map(({ stream, data }) => [stream, data])).toEqual([
    ['rule-echoes', expect.objectContaining({ ...about, by: ['ada'], agrees: true })],
    ['rule-no-echoes', expect.objectContaining({ ...about, by: ['ada'], agrees: false })],
  ]);
  await world.looked();
  expect(await world.ofType('RuleJudged')).toHaveLength(2);
  expect(await world.tell('promote', { name: 'no-echoes' })).toMatchObject({
    error: { code: 'illegal_transition', details: { missing: 1 } },
  });
});

it('several planners judge an approval once, and one that comes later not again', async () => {
  await Promise.all([world.plan(), world.plan()]);
  await world.rule();
  for (const verb of ['approve', 'deny', 'approve'])
    await world.decide(await world.request(), verb);
  await world.until('RuleJudged', 3);
  await world.plan();
  await world.looked();
  const judged = await world.ofType('RuleJudged');
  expect(judged.map(({ data }) => (data as { agrees: boolean }).agrees)).toEqual([
    ...[true, false, true],
  ]);
});

it('what was decided while nobody looked is judged by whoever looks next', async () => {
  const first = await world.plan();
  await world.rule();
  await first.stop();
  await world.decide(await world.request(), 'approve');
  expect(await world.ofType('RuleJudged')).toEqual([]);
  await world.plan();
  await world.until('RuleJudged', 1);
});

it('a rule that the read model learns of late is not late itself', async () => {
  world.lists = false;
  const first = await world.plan();
  await world.rule();
  await first.stop();
  await world.plan();
  await world.decide(await world.request(), 'approve');
  await world.looked();
  expect(await world.ofType('RuleJudged')).toEqual([]);
  world.lists = true;
  await world.until('RuleJudged', 1);
});

it('a promoted rule decides, once, whichever planner it is, and every decision is shown', async () => {
  await Promise.all([world.plan(), world.plan()]);
  await world.promoted();
  const { id, directiveId, digest } = await world.request();
  const [decided] = await world.until('RuleDecided', 1);
  expect(decided?.data).toMatchObject({ approvalId: id, digest, decision: 'approve' });
  await world.looked();
  expect(await world.ofType('RuleDecided')).toHaveLength(1);
  expect(await world.ofType('RuleJudged')).toHaveLength(1);
  const { approvals, status } = await world.directive(directiveId);
  expect(approvals).toMatchObject([
    {
      status: 'approved',
      votes: [
        {
          by: 'rule:echoes',
          comment: 'decided by the rule echoes, promoted by lead after 1 agreements',
        },
      ],
    },
  ]);
  expect(status).toBe('completed');
  expect(await world.ofType('CommandRefused')).toEqual([]);
  expect(await world.show()).toMatchObject({ decided: 1, decisions: [{ approvalId: id }] });
});

it('of promoted rules one that denies is heard', async () => {
  await world.plan();
  for (const [at, verdict] of (['approve', 'deny'] as const).entries()) {
    const name = `rule-${verdict}`;
    await world.rule({ name, verdict, when: { titleIncludes: verdict } });
    await world.decide(await world.request({}, 'eve', verdict), verdict);
    await world.until('RuleJudged', at + 1);
    expect(await world.tell('promote', { name })).toMatchObject({ ok: true });
  }
  await world.request({}, 'eve', 'approve or deny');
  const [decided] = await world.until('RuleDecided', 1);
  expect(decided).toMatchObject({ stream: 'rule-rule-deny', data: { decision: 'deny' } });
});

it.each([
  ['several have to approve', { quorum: 2 }, 'eve'],
  ['roles are named', { roles: ['reviewer'] }, 'eve'],
  ['something is to be ticked', { checklist: ['read it'] }, 'eve'],
  ['the maker of the rule has asked, and may not decide', { excludeRequester: true }, 'maker'],
])('a promoted rule leaves it to people where %s', async (_why, approvals, requester) => {
  await world.plan();
  await world.promoted();
  const { directiveId } = await world.request(approvals, requester);
  await world.looked();
  expect((await world.directive(directiveId)).approvals).toMatchObject([{ status: 'pending' }]);
  expect(await world.ofType('RuleDecided')).toEqual([]);
});

it('what was asked before its promotion it leaves to people, also when it is seen again', async () => {
  await world.plan();
  await world.rule();
  await world.decide(await world.request(), 'approve');
  await world.until('RuleJudged', 1);
  const { directiveId } = await world.request();
  await world.looked();
  await world.tell('promote', { name: 'echoes' });
  await world.plan();
  await world.looked();
  expect((await world.directive(directiveId)).approvals).toMatchObject([{ status: 'pending' }]);
});

it('people who decide otherwise take its promotion back, at once', async () => {
  await world.plan();
  await world.promoted();
  await world.decide(await world.request({ quorum: 2 }), 'deny');
  const [revoked] = await world.until('RuleRevoked', 1);
  expect(revoked?.data).toMatchObject({ reason: expect.stringContaining('ada decided deny') });
  const { directiveId } = await world.request();
  await world.looked();
  expect((await world.directive(directiveId)).approvals).toMatchObject([{ status: 'pending' }]);
  expect(await world.show()).toMatchObject({ status: 'shadow', agreements: 0, promoted: null });
});

it('a revoked rule says nothing more', async () => {
  await world.plan();
  await world.promoted();
  expect(await world.tell('revoke', { name: 'echoes', reason: 'why' }, 'ada')).toMatchObject({
    ok: true,
  });
  await world.decide(await world.request(), 'approve');
  await world.looked();
  expect(await world.ofType('RuleJudged')).toHaveLength(1);
  expect(await world.show()).toMatchObject({ status: 'revoked', revoked: { by: 'ada' } });
});

it('who is no person makes, promotes and revokes none', async () => {
  await world.plan();
  await world.rule();
  for (const verb of ['promote', 'revoke']) {
    const answer = await world.tell(verb, { name: 'echoes' }, 'someone', 'service');
    expect(answer).toMatchObject({ error: { code: 'not_allowed' } });
  }
  expect(await world.tell('revoke', { name: 'nothing' })).toMatchObject({
    error: { code: 'not_found' },
  });
});
