import {
  canonicalJson,
  DirectiveFile,
  DirectiveManifest,
  type EvaluationCompleted,
  isRefusal,
  type RecordedEvent,
  type RunEnded,
  RunManifest,
} from '@writ/contracts';
import { directiveDecider } from './directive';
import type { DirectiveCommand } from './directive-command';
import type { DirectiveState } from './directive-state';
import { directiveManifest, runManifest } from './manifest';
import { accountOf, type Due, ManifestAccount } from './manifest-account';
import { planExplicit } from './planning';

const id = 'abcdefgh12345678';
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const runIdOf = (step: string) => `${id}-g1-${step}-a1`;

/** A log of one directive, with an account that takes each event as it is recorded. */
class Story {
  readonly events: RecordedEvent[] = [];
  readonly account = new ManifestAccount();
  private readonly versions = new Map<string, number>();
  private state: DirectiveState = directiveDecider.initial;

  record(stream: string, type: string, data: object): Due[] {
    const version = (this.versions.get(stream) ?? 0) + 1;
    this.versions.set(stream, version);
    const position = this.events.length + 1;
    const event: RecordedEvent = {
      ...{ stream, type, data, version, position, schemaVersion: 1 },
      id: `00000000-0000-7000-8000-${String(position).padStart(12, '0')}`,
      recordedAt: new Date(Date.UTC(2026, 0, 1) + position).toISOString(),
      hash: String(position).padStart(64, '0'),
      metadata: { commandId: 'c', correlationId: id, actor: { kind: 'service', id: 'test' } },
    };
    this.events.push(event);
    if (stream.startsWith('directive-')) this.state = directiveDecider.evolve(this.state, event);
    return this.account.take(event);
  }

  directive(command: DirectiveCommand): Due[] {
    const decision = directiveDecider.decide(command, this.state);
    if (isRefusal(decision)) throw new Error(decision.message);
    return decision.flatMap(({ type, data }) => this.record(`directive-${id}`, type, data));
  }

  create(steps: object[], more: object = {}): Due[] {
    const directive = DirectiveFile.parse({
      ...more,
      title: 'A title',
      goal: 'A goal',
      acceptanceCriteria: [{ id: 'AC1', criterion: 'It is there' }],
      chain: { steps },
    });
    const plan = planExplicit(directive);
    if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
    return this.directive({
      ...{ type: 'create', commandId: 'create', directiveId: id, ...plan },
      ...{ contentDigest: digest('c'), start: true },
    });
  }

  /** What the executor records, and what the planner makes of it. */
  runEnds(step: string, more: Partial<RunEnded> = {}): Due[] {
    const ended = this.ended(step, more);
    const due = this.record(`run-${ended.runId}`, 'RunEnded', ended);
    return [...due, ...this.directive({ type: 'note-runs', ends: [ended] })];
  }

  ended(step: string, more: Partial<RunEnded> = {}): RunEnded {
    const bundle = { hash: digest('b'), components: { command: digest('d') }, excluded: [] };
    return {
      ...{ runId: runIdOf(step), directiveId: id, step, attempt: 1, claim: 1, executorId: 'e' },
      ...{ adapter: { kind: 'echo', version: '1' }, bundle, result: 'success', stages: [] },
      ...{ attempts: [], exitCode: 0, durationMs: 1 },
      artifacts: [{ path: `${step}.txt`, digest: digest(step.slice(-1)), bytes: 3 }],
      ...more,
    };
  }

  evaluates(step: string, level: 'green' | 'red'): Due[] {
    const evaluation: EvaluationCompleted = {
      ...{ runId: runIdOf(step), directiveId: id, step, summary: '', durationMs: 4 },
      confidence: { score: level === 'green' ? 1 : 0, level },
      checks: [
        {
          ...{ name: 'tests', kind: 'program', required: true, weight: 1, durationMs: 3 },
          outcome: level === 'green' ? 'passed' : 'failed',
          message: 'it ended',
        },
      ],
    };
    const due = this.record(`evaluation-${evaluation.runId}`, 'EvaluationCompleted', evaluation);
    return [...due, ...this.directive({ type: 'note-evaluation', evaluation })];
  }
}

const step = (name: string, more: object = {}) => ({
  name,
  adapter: { kind: 'echo' },
  verify: 'none',
  ...more,
});
const checked = { verify: [{ kind: 'files', paths: ['x'] }] };
const ids = (due: Due[]) => due.map((it) => `${it.kind} ${it.id}`);

function sourcesOf(due: Due[]) {
  const [first] = due;
  if (first?.kind !== 'run') throw new Error('no run is due');
  return first.sources;
}

describe('the manifest of a run is due', () => {
  it('when its step passes without checks', () => {
    const story = new Story();
    expect(story.create([step('a'), step('b', { dependsOn: ['a'] })])).toEqual([]);
    expect(ids(story.runEnds('a'))).toEqual([`run ${runIdOf('a')}`]);
  });

  it('not before its evaluation, which is in it', () => {
    const story = new Story();
    story.create([step('a', checked), step('b', { dependsOn: ['a'] })]);
    expect(story.runEnds('a')).toEqual([]);
    const due = story.evaluates('a', 'green');
    expect(ids(due)).toEqual([`run ${runIdOf('a')}`]);
    const { validation } = runManifest(sourcesOf(due), '1.0.0');
    expect(validation).toMatchObject({
      confidence: { level: 'green' },
      checks: [{ name: 'tests' }],
    });
  });

  it('not before its candidate commit is merged', () => {
    const story = new Story();
    story.create([step('a'), step('b', { dependsOn: ['a'] })]);
    expect(story.runEnds('a', { commit: '1'.repeat(40) })).toEqual([]);
    const event = {
      type: 'StepMerged' as const,
      data: { directiveId: id, runId: runIdOf('a'), step: 'a', commit: '2'.repeat(40) },
    };
    const due = story.directive({ type: 'note-workspace', event });
    expect(runManifest(sourcesOf(due), '1.0.0').commit).toBe('1'.repeat(40));
  });

  it('when its step is sent back, and of the next attempt again', () => {
    const story = new Story();
    story.create([step('a', checked)]);
    story.runEnds('a');
    expect(ids(story.evaluates('a', 'red'))).toEqual([`run ${runIdOf('a')}`]);
    const runId = runIdOf('a').replace(/a1$/, 'a2');
    story.runEnds('a', { runId, attempt: 2 });
    const due = story.directive({ type: 'stop', commandId: 'stop' });
    expect(ids(due)).toEqual([`run ${runId}`, `directive ${id}`]);
  });

  it('when its step fails, before the manifest of the directive that fails with it', () => {
    const story = new Story();
    const atOnce = { autonomy: 'full_auto', limits: { maxReworkCycles: 0 } };
    story.create([step('a', checked), step('b', { dependsOn: ['a'] })], atOnce);
    story.runEnds('a');
    const due = story.evaluates('a', 'red');
    expect(ids(due)).toEqual([`run ${runIdOf('a')}`, `directive ${id}`]);
    expect(due[1]).toMatchObject({ directive: { status: 'failed' }, runIds: [runIdOf('a')] });
  });

  it('when a cancelled one ends, also after its directive', () => {
    const story = new Story();
    story.create([step('a'), step('b')]);
    const stopped = story.directive({ type: 'stop', commandId: 'stop' });
    expect(ids(stopped)).toEqual([`directive ${id}`]);
    expect(stopped[0]).toMatchObject({ directive: { status: 'stopped' }, runIds: [] });
    expect(ids(story.runEnds('a', { result: 'cancelled' }))).toEqual([`run ${runIdOf('a')}`]);
  });

  it('when the directive is stopped while it is evaluated, and a late evaluation is not in it', () => {
    const story = new Story();
    story.create([step('a', checked)]);
    story.runEnds('a');
    const due = story.directive({ type: 'stop', commandId: 'stop' });
    expect(ids(due)).toEqual([`run ${runIdOf('a')}`, `directive ${id}`]);
    expect(story.evaluates('a', 'green')).toEqual([]);
    expect(runManifest(sourcesOf(due), '1.0.0').validation).toBeNull();
  });

  it('when its directive ends before anybody has closed its step', () => {
    const story = new Story();
    story.create([step('a')]);
    story.record(`run-${runIdOf('a')}`, 'RunEnded', story.ended('a'));
    const end = { reason: 'it could not go on', failedSteps: [] };
    const due = story.record(`directive-${id}`, 'DirectiveFailed', end);
    expect(ids(due)).toEqual([`run ${runIdOf('a')}`, `directive ${id}`]);
  });

  it('of the last run of an ended directive, and then the account is settled', () => {
    const story = new Story();
    story.create([step('a'), step('b')]);
    story.runEnds('a');
    expect(story.account.isSettled).toBe(false);
    story.directive({ type: 'stop', commandId: 'stop' });
    expect(story.account.isSettled).toBe(false);
    story.runEnds('b', { result: 'cancelled' });
    expect(story.account.isSettled).toBe(true);
  });

  it('once, whatever is said about its step later', () => {
    const story = new Story();
    story.create([step('a'), step('b')]);
    story.runEnds('a');
    const late = { step: 'a', runId: runIdOf('a') };
    expect(story.record(`directive-${id}`, 'StepCancelled', late)).toEqual([]);
    expect(story.record(`run-${runIdOf('a')}`, 'RunEnded', story.ended('a'))).toEqual([]);
    expect(story.record(`directive-${id}`, 'StepCancelled', late)).toEqual([]);
  });

  it('once, and at the same event for whoever reads the log again from its start', () => {
    const story = new Story();
    const first = [
      ...story.create([step('a', checked), step('b', { dependsOn: ['a'] }), step('c')]),
      ...story.runEnds('a'),
      ...story.runEnds('c', { result: 'failed' }),
      ...story.evaluates('a', 'green'),
      ...story.runEnds('b'),
    ];
    expect(first).toHaveLength(4);
    const again = new ManifestAccount();
    expect(story.events.flatMap((event) => again.take(event))).toEqual(first);
    expect(story.events.flatMap((event) => again.take(event))).toEqual([]);
  });
});

describe('the manifest of a run', () => {
  const story = new Story();
  story.create([
    step('a'),
    step('b', { dependsOn: ['a'], inputs: [{ name: 'in/x', digest: digest('e') }] }),
  ]);
  story.runEnds('a');
  const due = story.runEnds('b', { transcript: digest('f') });
  const manifest = runManifest(sourcesOf(due), '1.0.0');

  it('has the form that is promised and a canonical text', () => {
    expect(RunManifest.strict().parse(manifest)).toEqual(manifest);
    expect(canonicalJson(JSON.parse(canonicalJson(manifest)))).toBe(canonicalJson(manifest));
  });

  it('names everything that it rests on and everything that it made', () => {
    expect(manifest.resolvedInputs).toEqual([
      { kind: 'file', name: 'in/x', digest: digest('e') },
      { kind: 'artifact', name: 'a/a.txt', digest: digest('a') },
    ]);
    expect(manifest.dependencies).toEqual([
      { kind: 'requires', id: runIdOf('a') },
      { kind: 'requires', id: digest('e') },
      { kind: 'requires', id: digest('a') },
      { kind: 'generates', id: digest('b') },
    ]);
    expect(manifest.events).toHaveLength(2);
    expect(manifest).toMatchObject({ transcript: digest('f'), commit: null });
  });

  it('of a run from the cache names its source and how that was judged', () => {
    const other = new Story();
    other.create([step('a', checked)]);
    const source = { runId: 'other', confidence: { score: 1, level: 'green' } };
    const { sourceRunId, validation } = runManifest(
      sourcesOf(other.runEnds('a', { result: 'skipped', source })),
      '1.0.0',
    );
    expect(sourceRunId).toBe('other');
    expect(validation).toEqual({ confidence: source.confidence, checks: [] });
  });
});

describe('the manifest of a directive', () => {
  it('has the form that is promised and names the manifests of its runs', () => {
    const story = new Story();
    story.create([step('a', { acceptanceCriteriaIds: ['AC1'] }), step('b')]);
    story.runEnds('a');
    const last = story.runEnds('b').at(-1);
    if (last?.kind !== 'directive') throw new Error('no directive is due');
    const manifestDigests = new Map(last.runIds.map((runId) => [runId, digest('7')]));
    const manifest = directiveManifest({ ...last, manifestDigests }, '1.0.0');
    expect(DirectiveManifest.strict().parse(manifest)).toEqual(manifest);
    expect(manifest).toMatchObject({
      status: 'completed',
      steps: [
        { step: 'a', status: 'passed', manifestDigest: digest('7') },
        { step: 'b', status: 'passed', manifestDigest: digest('7') },
      ],
      criteria: [{ id: 'AC1', met: true }],
      log: { position: story.events.length, hash: story.events.at(-1)?.hash },
    });
  });
});

describe('an event belongs to the account', () => {
  it.each([
    ['directive-abcdefgh12345678', 'abcdefgh12345678'],
    ['run-abcdefgh12345678-g1-a-a1', 'abcdefgh12345678'],
    ['evaluation-abcdefgh12345678-g1-a-a1', 'abcdefgh12345678'],
    ['manifest-abcdefgh12345678-g1-a-a1', undefined],
    ['workspace-abcdefgh12345678', undefined],
  ])('of %s: %s', (stream, expected) => {
    expect(accountOf({ stream })).toBe(expected);
  });
});
