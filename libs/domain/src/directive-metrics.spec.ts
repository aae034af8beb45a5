/** Figures from events: a story of a directive on a log, told by the real deciders. */
import {
  type AttemptRecord,
  DirectiveMetrics,
  isRefusal,
  type RecordedEvent,
  type RunEnded,
  RunMetrics,
} from '@writ/contracts';
import { DirectiveStory, storyFile, storyId, type StoryStep } from '@writ/testing';
import { directiveMetrics } from './directive-metrics';
import { MetricsAccount } from './metrics-account';
import { runMetrics } from './run-metrics';

/** One log of several streams, with a second between events unless something takes longer. */
class Told {
  readonly story = new DirectiveStory();
  readonly events: RecordedEvent[] = [];
  private taken = 0;
  private seconds = 0;

  create(steps: StoryStep[], more: Record<string, unknown> = {}): this {
    this.story.create(storyFile(steps, more));
    return this.take();
  }

  wait(seconds: number): this {
    this.seconds += seconds;
    return this;
  }

  /** What the directive has made of it, on the log. */
  take(): this {
    for (const event of this.story.events.slice(this.taken)) this.put(event);
    this.taken = this.story.events.length;
    return this;
  }

  claim(step: string, claim = 1): this {
    return this.record(`run-${this.story.runIdOf(step)}`, 'RunClaimed', {
      ...{ runId: this.story.runIdOf(step), claim, stages: [] },
    });
  }

  fails(step: string, attempt: Partial<AttemptRecord>): this {
    const runId = this.story.runIdOf(step);
    return this.record(`run-${runId}`, 'RunAttemptFailed', { runId, attempt: tried(attempt) });
  }

  ends(step: string, more: Partial<RunEnded> = {}): this {
    const runId = this.story.runIdOf(step);
    const ended = this.story.ended(step, { runId, ...more });
    this.record(`run-${runId}`, 'RunEnded', ended);
    const noted = this.story.when({ type: 'note-runs', ends: [ended] });
    if (isRefusal(noted)) throw new Error(noted.message);
    return this.take();
  }

  record(stream: string, type: string, data: object): this {
    this.put({ stream, type, data, version: 1, schemaVersion: 1, id: 'x' } as never);
    return this;
  }

  get account(): MetricsAccount {
    const account = new MetricsAccount(storyId);
    for (const event of this.events) account.take(event);
    return account;
  }

  run(step: string): RunMetrics {
    const facts = this.account.runs.get(this.story.runIdOf(step));
    if (facts === undefined) throw new Error(`no run of ${step}`);
    return RunMetrics.parse(runMetrics(facts));
  }

  get directive(): DirectiveMetrics {
    return DirectiveMetrics.parse(directiveMetrics(this.account));
  }

  private put(event: RecordedEvent): void {
    this.seconds += 1;
    const recordedAt = new Date(Date.UTC(2026, 0, 1) + this.seconds * 1000).toISOString();
    this.events.push({ ...event, position: this.events.length + 1, recordedAt });
  }
}

const tried = (more: Partial<AttemptRecord>): AttemptRecord => ({
  ...{ attempt: 1, claim: 1, startedAt: '2026-01-01T00:00:00Z', durationMs: 40, exitCode: 0 },
  ...more,
});
const exit75 = { kind: 'exit' as const, code: 'exit_75', message: 'it ended with 75' };
const checked = { verify: [{ kind: 'files', paths: ['x'] }] };

describe('the metrics of a run', () => {
  it('seed defect 29: retries are counted from what the run recorded, not by a recorder that nobody calls', () => {
    const failed = { exitCode: 75, error: exit75, retryInMs: 700 };
    const attempts = [tried(failed), tried({ ...failed, attempt: 2 }), tried({ attempt: 3 })];
    const told = new Told()
      .create([{ name: 'one' }])
      .claim('one')
      .fails('one', failed)
      .fails('one', { ...failed, attempt: 2 });
    expect(told.run('one')).toMatchObject({ tries: 2, retries: 1, result: null });
    told.ends('one', { attempts });
    expect(told.run('one')).toMatchObject({ tries: 3, retries: 2, result: 'success', claims: 1 });
    expect(told.run('one').attempts.map((it) => it.exitCode)).toEqual([75, 75, 0]);
    expect(told.run('one').attempts[0]).toMatchObject({ error: 'exit', retryInMs: 700 });
    expect(told.directive).toMatchObject({ tries: 3, retries: 2 });
  });

  it('a try of an executor that took the run over is none again', () => {
    const told = new Told()
      .create([{ name: 'one' }])
      .claim('one')
      .claim('one', 2);
    told.ends('one', { claim: 2, attempts: [tried({ claim: 2 })] });
    expect(told.run('one')).toMatchObject({ claims: 2, tries: 1, retries: 0 });
  });

  it('the queue is from the start of the step to the first claim, by the time of the database', () => {
    const told = new Told()
      .create([{ name: 'one' }])
      .wait(6)
      .claim('one')
      .wait(60);
    told.claim('one', 2).ends('one', { claim: 2, durationMs: 1234 });
    expect(told.run('one')).toMatchObject({ queueMs: 7_000, durationMs: 1234 });
    const atOnce = new Told().create([{ name: 'one' }]).ends('one');
    expect(atOnce.run('one')).toMatchObject({ queueMs: null, tries: 1 });
  });

  it('tells stages, artifacts and what it used', () => {
    const [startedAt, endedAt] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.250Z'];
    const told = new Told().create([{ name: 'one' }]).ends('one', {
      stages: [{ name: 'processing', status: 'success', startedAt, endedAt }],
      artifacts: [3, 4].map((bytes) => ({ path: `p${bytes}`, digest: 'd', bytes })),
      deleted: ['gone'],
      usage: { inputTokens: 5, outputTokens: 7, costUsd: 0.25 },
    });
    expect(told.run('one')).toMatchObject({
      stages: [{ name: 'processing', status: 'success', durationMs: 250 }],
      artifacts: { count: 2, bytes: 7, deleted: 1 },
      usage: { inputTokens: 5, outputTokens: 7, costUsd: 0.25 },
    });
    expect(told.directive).toMatchObject({
      artifacts: { count: 2, bytes: 7 },
      usage: { costUsd: 0.25 },
    });
  });

  it('validation says what the checks came to, and how long that took', () => {
    const told = new Told().create([{ name: 'one', ...checked }]).ends('one');
    expect(told.run('one')).toMatchObject({ validation: { status: 'pending' }, cleanliness: null });
    const runId = told.story.runIdOf('one');
    const check = {
      name: 'a',
      kind: 'files',
      required: true,
      weight: 1,
      message: 'm',
      durationMs: 1,
    };
    told.wait(4).record(`evaluation-${runId}`, 'EvaluationCompleted', {
      ...{ runId, directiveId: storyId, step: 'one', summary: 's', durationMs: 90 },
      confidence: { score: 0.75, level: 'yellow' },
      checks: [
        { ...check, outcome: 'passed', weight: 3 },
        { ...check, outcome: 'failed' },
        { ...check, outcome: 'error', weight: 2 },
      ],
    });
    expect(told.run('one')).toMatchObject({
      validation: {
        ...{ status: 'undecided', level: 'yellow', score: 0.75, durationMs: 90, elapsedMs: 5_000 },
        checks: { passed: 1, failed: 1, errors: 1 },
      },
      cleanliness: 0.5,
    });
  });

  it('is less clean for each further try, and not clean at all without a success', () => {
    const attempts = [tried({ exitCode: 75 }), tried({ attempt: 2 })];
    const again = new Told()
      .create([{ name: 'one' }])
      .claim('one')
      .ends('one', { attempts });
    expect(again.run('one').cleanliness).toBe(0.5);
    const failed = new Told().create([{ name: 'one' }]).ends('one', { result: 'failed' });
    expect(failed.run('one').cleanliness).toBe(0);
  });

  it('what waits for a person is told apart from what has waited', () => {
    const told = new Told().create([{ name: 'one' }], { autonomy: 'manual' }).ends('one');
    expect(told.run('one').people).toMatchObject({ asked: 1, waitedMs: 0 });
    expect(told.run('one').people.waitingSince).not.toBeNull();
    told.wait(30);
    told.story.vote('one');
    told.take();
    expect(told.run('one').people).toMatchObject({ asked: 1, waitingSince: null });
    expect(told.run('one').people.waitedMs).toBeGreaterThanOrEqual(31_000);
    expect(told.directive.peopleMs).toBe(told.run('one').people.waitedMs);
  });

  it('nobody waits any more when the directive is over', () => {
    const told = new Told().create([{ name: 'one' }], { autonomy: 'manual' }).ends('one');
    told.story.when({ type: 'stop', commandId: 'stop' });
    expect(told.take().run('one').people.waitingSince).toBeNull();
  });
});

describe('the metrics of a directive', () => {
  const diamond: StoryStep[] = [
    { name: 'top' },
    { name: 'slow', dependsOn: ['top'] },
    { name: 'quick', dependsOn: ['top'] },
    { name: 'bottom', dependsOn: ['slow', 'quick'] },
  ];

  it('name the way through the chain that took longest, and how many ran at a time', () => {
    const told = new Told().create(diamond).claim('top').ends('top');
    told.claim('slow').claim('quick').ends('quick').wait(20).ends('slow');
    told.claim('bottom').ends('bottom');
    const { criticalPath, parallelism, steps, runs, status, wallMs } = told.directive;
    expect(criticalPath.steps.map((it) => it.step)).toEqual(['top', 'slow', 'bottom']);
    const sum = criticalPath.steps.reduce((ms, it) => ms + it.elapsedMs, 0);
    expect(criticalPath.durationMs).toBe(sum);
    expect(criticalPath.durationMs).toBeLessThanOrEqual(wallMs);
    expect(parallelism.most).toBe(2);
    expect(parallelism.average).toBeGreaterThan(1);
    expect(parallelism.average).toBeLessThan(2);
    expect(steps).toEqual({ total: 4, byStatus: { passed: 4 } });
    expect(runs).toEqual({ total: 4, byResult: { success: 4 }, cached: 0 });
    expect(status).toBe('completed');
  });

  it('steps one after the other are never at the same time', () => {
    const told = new Told().create([{ name: 'a' }, { name: 'b', dependsOn: ['a'] }]);
    told.claim('a').ends('a').claim('b').ends('b');
    expect(told.directive.parallelism).toEqual({ most: 1, average: 1 });
  });

  it('tell how long it was in each status, and nothing after its end', () => {
    const told = new Told().create([{ name: 'one' }]).wait(9);
    told.story.when({ type: 'pause', commandId: 'p' });
    told.take().wait(99);
    told.story.when({ type: 'resume', commandId: 'r' });
    told.take().ends('one').wait(500);
    told.story.when({ type: 'archive', commandId: 'a' });
    const { statusMs, wallMs, endedAt } = told.take().directive;
    expect(statusMs['paused']).toBe(100_000);
    expect(Object.keys(statusMs).sort()).toEqual(['active', 'draft', 'paused', 'planning']);
    expect(wallMs).toBeLessThan(130_000);
    expect(endedAt).not.toBeNull();
  });

  it('count the waiting for people that is about no run', () => {
    const told = new Told().create([{ name: 'one' }]).ends('one');
    const account = told.account;
    const approvalId = 'plan';
    const asked = { approvalId, type: 'plan_review', generation: 1, digest: 'd', step: 'plan' };
    const put = (type: string, data: object, minute: number) =>
      account.take({
        ...{ stream: `directive-${storyId}`, type, data, version: 1, schemaVersion: 1, id: 'x' },
        metadata: { commandId: 'c', correlationId: 'c', actor: { kind: 'person', id: 'p' } },
        position: 100 + minute,
        recordedAt: new Date(Date.UTC(2026, 0, 2, 0, minute)).toISOString(),
      });
    put('ApprovalRequested', { ...asked, policy: {}, requester: 'p', summary: 's' }, 1);
    put('ApprovalResolved', { approvalId, decision: 'approve', by: ['p'] }, 3);
    expect(directiveMetrics(account)?.peopleMs).toBe(120_000);
  });

  it('count rework, and each attempt as a run of its own', () => {
    const told = new Told().create([{ name: 'one', ...checked }], { autonomy: 'full_auto' });
    told.story.attempt('one', 0);
    told.take();
    expect(told.directive).toMatchObject({ reworks: 1, runs: { total: 2 } });
  });

  it('take no event twice, and none of another directive', () => {
    const told = new Told().create([{ name: 'one' }]).ends('one');
    const before = told.directive;
    const account = told.account;
    for (const event of told.events) account.take(event);
    const other = { ...told.events[3]!, position: 99, stream: 'run-zzzzzzzz12345678-g1-x-a1' };
    account.take(other);
    expect(directiveMetrics(account)).toEqual(before);
    expect(directiveMetrics(new MetricsAccount(storyId))).toBeUndefined();
  });
});
