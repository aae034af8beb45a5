import type { WorkspaceEvent } from '@writ/contracts';
import {
  storyFile as file,
  storyId as id,
  runningStory as running,
  DirectiveStory as Story,
} from '@writ/testing';
import { directiveDocument } from './directive-documents';
import { notedOfWorkspace } from './directive-state';
import { workOf } from './directive-work';
import { planExplicit } from './planning';
import { passesByItself } from './step-outcome';

describe('a directive without a workspace', () => {
  it('starts its first step in the same decision that creates it', () => {
    expect(new Story().create(file([{ name: 'one' }]))).toEqual([
      'DirectiveCreated',
      'DirectiveStarted',
      'ChainActivated',
      'StepStarted',
    ]);
  });

  it('stays a draft when it is not to start yet', () => {
    const story = new Story();
    expect(story.create(file([{ name: 'one' }]), { start: false })).toEqual(['DirectiveCreated']);
    expect(story.directive.status).toBe('draft');
    expect(story.typesWhen({ type: 'start', commandId: 's' })).toEqual([
      'DirectiveStarted',
      'ChainActivated',
      'StepStarted',
    ]);
  });

  it('starts a step when its dependency has passed, and completes when all have', () => {
    const story = running();
    expect(story.end('one')).toEqual(['StepPassed', 'StepStarted']);
    expect(story.end('two')).toEqual(['StepPassed', 'DirectiveCompleted']);
    expect(story.directive.status).toBe('completed');
  });

  it('starts ready steps at once up to the limit', () => {
    const story = new Story();
    const steps = ['a', 'b', 'c', 'd'].map((name) => ({ name }));
    story.create(file(steps, { limits: { maxParallelSteps: 2 } }));
    expect(steps.map(({ name }) => story.statusOf(name))).toEqual([
      'running',
      'running',
      'pending',
      'pending',
    ]);
    expect(story.end('b')).toEqual(['StepPassed', 'StepStarted']);
    expect(story.statusOf('c')).toBe('running');
  });

  it('waits for all dependencies of a step', () => {
    const story = new Story();
    story.create(file([{ name: 'a' }, { name: 'b' }, { name: 'join', dependsOn: ['a', 'b'] }]));
    expect(story.end('a')).toEqual(['StepPassed']);
    expect(story.end('b')).toEqual(['StepPassed', 'StepStarted']);
  });
});

describe('a step', () => {
  it('seed defect 19: is failed when its run is, blocks what needs it, and in the end fails the directive', () => {
    const story = new Story();
    story.create(
      file([
        { name: 'bad' },
        { name: 'good' },
        { name: 'after', dependsOn: ['bad'] },
        { name: 'last', dependsOn: ['after'] },
      ]),
    );
    expect(story.end('bad', { result: 'failed' })).toEqual([
      'StepFailed',
      'StepBlocked',
      'StepBlocked',
    ]);
    expect(story.end('good')).toEqual(['StepPassed', 'DirectiveFailed']);
    expect(story.directive.reason).toBe('step bad failed');
  });

  it('suspends the directive when more steps failed than the limit allows', () => {
    const story = new Story();
    story.create(file([{ name: 'a' }, { name: 'b' }], { limits: { maxFailedSteps: 0 } }));
    expect(story.end('a', { result: 'timed_out' })).toEqual(['StepFailed', 'DirectiveSuspended']);
    expect(story.directive).toMatchObject({ status: 'suspended', pausedFrom: 'active' });
  });

  const [P, A, R, B] = ['StepPassed', 'ApprovalRequested', 'StepReworkRequested', 'StepBlocked'];
  it.each([
    ['full_auto', { green: P, yellow: P, unknown: P, red: R, 'red at the limit': B }],
    ['guardrails', { green: P, yellow: A, unknown: A, red: R, 'red at the limit': A }],
    ['manual', { green: A, yellow: A, unknown: A, red: A, 'red at the limit': A }],
  ])('seed defect 3: under %s goes on as its evaluation says', (autonomy, row) => {
    for (const [said, first] of Object.entries(row)) {
      const story = new Story();
      const limits = { maxReworkCycles: said.endsWith('limit') ? 0 : 3 };
      const steps = [{ name: 'one', verify: [{ kind: 'files', paths: ['x'] }] }];
      story.create(file(steps, { autonomy, limits }));
      expect(story.end('one')).toEqual(['StepEvaluating']);
      const level = said.split(' ')[0] as 'red';
      expect([said, story.evaluate('one', level)[0]]).toEqual([said, first]);
    }
  });

  it.each([
    ['full_auto', 'none', P],
    ['full_auto', undefined, P],
    ['guardrails', 'none', P],
    ['guardrails', undefined, A],
    ['manual', 'none', A],
  ])('under %s with "verify: %s" has nothing to be judged by: %s', (autonomy, verify, first) => {
    const story = new Story();
    story.create(file([{ name: 'one', verify }], { autonomy }));
    expect(story.end('one')[0]).toBe(first);
    const step = { verify: verify as 'none' | undefined, autonomy: autonomy as 'manual' };
    expect(passesByItself(step, story.ended('one'))).toBe(first === P);
  });

  it('passes with an unknown level on record when nothing says how to check it', () => {
    const story = new Story();
    story.create(file([{ name: 'one', verify: undefined }], { autonomy: 'full_auto' }));
    story.end('one');
    expect(directiveDocument(story.directive).steps[0]?.confidence?.level).toBe('unknown');
  });

  it('keeps the recorded judgement of a run taken from the cache', () => {
    const story = new Story();
    story.create(file([{ name: 'one', verify: [{ kind: 'files', paths: ['x'] }] }]));
    const source = { runId: 'other', confidence: { score: 1, level: 'green' } };
    expect(story.end('one', { result: 'skipped', source })[0]).toBe('StepPassed');
  });

  it('taken from the cache is evaluated by its own thresholds unless every check had passed', () => {
    for (const confidence of [
      { score: 0.7, level: 'yellow' },
      { score: 0.9, level: 'green' },
      { score: null, level: 'unknown' },
      null,
    ]) {
      const story = new Story();
      story.create(file([{ name: 'one', verify: [{ kind: 'files', paths: ['x'] }] }]));
      const source = { runId: 'other', confidence };
      expect(story.end('one', { result: 'skipped', source })).toEqual(['StepEvaluating']);
    }
  });

  it('seed defect 16: ignores a result that comes again, of an older run, or after the end', () => {
    const story = running();
    story.end('one');
    expect(story.end('one')).toEqual([]);
    expect(story.end('two', { runId: `${id}-g1-two-a9` })).toEqual([]);
    expect(story.end('nowhere')).toEqual([]);
    story.typesWhen({ type: 'stop', commandId: 'stop' });
    expect(story.end('two')).toEqual([]);
    expect(story.evaluate('two', 'red')).toEqual([]);
  });
});

describe('a chain', () => {
  it('keeps the order in which it was written, whatever its steps are called', () => {
    const story = new Story();
    const names = ['b', '10', '2', 'constructor', 'a'];
    story.create(file(names.map((name) => ({ name }))));
    expect(directiveDocument(story.directive).steps.map(({ name }) => name)).toEqual(names);
    expect(workOf(story.directive).map(({ data }) => (data as { step: string }).step)).toEqual(
      names.slice(0, 4),
    );
  });

  it('counts a dependency that is named twice once', () => {
    const story = new Story();
    story.create(file([{ name: 'a' }, { name: 'b', dependsOn: ['a', 'a'] }]));
    expect(story.end('a')).toEqual(['StepPassed', 'StepStarted']);
  });

  const before = (at: number) => Array.from({ length: at }, (_, earlier) => `s${earlier}`);

  /** Far more than a chain may have, so that the cost of one step shows. */
  const many = 5_000;
  const chainOf = (dependsOn: (at: number) => string[]) => {
    const written = file([{ name: 's0' }]);
    const [first] = written.chain?.steps ?? [];
    if (first === undefined) throw new Error('no step');
    const steps = Array.from({ length: many }, (_, at) => {
      return { ...first, name: `s${at}`, dependsOn: dependsOn(at) };
    });
    return { ...written, chain: { steps } };
  };

  it.each([
    ['in a row', chainOf((at) => (at === 0 ? [] : [`s${at - 1}`]))],
    ['side by side', chainOf(() => [])],
    ['with one that needs all others', chainOf((at) => (at < many - 1 ? [] : before(at)))],
  ])('of thousands of steps %s costs for each step what a short one costs', (_, written) => {
    const story = new Story();
    const began = performance.now();
    story.create(written);
    for (let at = 0; at < many; at += 1) story.end(`s${at}`);
    expect(story.directive.status).toBe('completed');
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('of thousands of steps is blocked at once, the last one first', () => {
    const story = new Story();
    const began = performance.now();
    story.create(chainOf((at) => (at === many - 1 ? [] : [`s${at + 1}`])));
    const types = story.end(`s${many - 1}`, { result: 'failed' });
    expect(types.filter((type) => type === 'StepBlocked')).toHaveLength(many - 1);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('an event', () => {
  it('of an unknown type, or of a step that is not there, is not taken in silence', () => {
    const story = running();
    expect(() => story.record({ type: 'StepForgotten', data: { step: 'one' } })).toThrow(
      'StepForgotten is no event of a step',
    );
    expect(() => story.record({ type: 'SomethingElse', data: {} })).toThrow('SomethingElse');
    const passed = { step: 'nowhere', run: {}, confidence: null };
    expect(() => story.record({ type: 'StepPassed', data: passed })).toThrow('nowhere');
  });
});

describe('pause, resume and stop', () => {
  it('lets running steps finish while paused, starts none, and goes on after', () => {
    const story = running();
    expect(story.typesWhen({ type: 'pause', commandId: 'p' })).toEqual(['DirectivePaused']);
    expect(story.end('one')).toEqual(['StepPassed']);
    expect(story.typesWhen({ type: 'resume', commandId: 'r' })).toEqual([
      'DirectiveResumed',
      'StepStarted',
    ]);
  });

  it('completes on resume when everything had finished', () => {
    const story = new Story();
    story.create(file([{ name: 'one' }]));
    story.when({ type: 'pause', commandId: 'p' });
    story.end('one');
    expect(story.directive.status).toBe('paused');
    expect(story.typesWhen({ type: 'resume', commandId: 'r' })).toContain('DirectiveCompleted');
  });

  it('cancels running steps on stop and cannot be resumed', () => {
    const story = running();
    expect(story.typesWhen({ type: 'stop', commandId: 's', reason: 'enough' })).toEqual([
      'StepCancelled',
      'DirectiveStopped',
    ]);
    expect([story.statusOf('one'), story.statusOf('two')]).toEqual(['cancelled', 'cancelled']);
    expect(story.typesWhen({ type: 'resume', commandId: 'r' })).toEqual(['CommandRefused']);
  });
});

describe('a repeated command', () => {
  it('decides nothing, whatever happened in between', () => {
    const story = running();
    story.when({ type: 'pause', commandId: 'p' });
    story.when({ type: 'resume', commandId: 'r' });
    expect(story.when({ type: 'pause', commandId: 'p' })).toEqual([]);
    expect(story.create(file([{ name: 'one' }]))).toEqual([]);
  });

  it('keeps its first answer, a refusal too', () => {
    const story = running();
    story.when({ type: 'resume', commandId: 'r' });
    story.when({ type: 'pause', commandId: 'p' });
    expect(story.when({ type: 'resume', commandId: 'r' })).toEqual([]);
    expect(story.directive.answers.get('r')).toMatchObject({ refused: 'illegal_transition' });
    expect(story.directive.answers.get('create-1')).toMatchObject({ version: 4, position: 104 });
  });

  it('is refused when a create comes with other content or meets another directive', () => {
    const story = running();
    const plan = planExplicit(file([{ name: 'other' }]));
    if ('issues' in plan) throw new Error('unexpected');
    const again = { type: 'create', directiveId: id, ...plan, start: true } as const;
    const digest = `sha256:${'b'.repeat(64)}`;
    expect(story.typesWhen({ ...again, commandId: 'create-1', contentDigest: digest })).toEqual([
      'refused: command_reused',
    ]);
    expect(story.typesWhen({ ...again, commandId: 'create-2', contentDigest: digest })).toEqual([
      'refused: already_exists',
    ]);
  });

  it('is carried out whatever id its sender chose', () => {
    for (const commandId of ['constructor', 'toString', '__proto__', '']) {
      const story = running();
      expect(story.typesWhen({ type: 'pause', commandId })).toEqual(['DirectivePaused']);
      expect(story.typesWhen({ type: 'pause', commandId })).toEqual([]);
    }
  });

  it('is refused when its id was used for another verb, instead of doing nothing', () => {
    const story = running();
    story.when({ type: 'pause', commandId: 'p' });
    story.when({ type: 'pause', commandId: 'refused' });
    for (const commandId of ['p', 'create-1', 'refused']) {
      expect(story.typesWhen({ type: 'stop', commandId })).toEqual(['refused: command_reused']);
    }
    expect(story.create(file([{ name: 'one' }]), { commandId: 'p' })).toEqual([
      'refused: command_reused',
    ]);
    expect(story.directive.status).toBe('paused');
  });

  it('is refused when there is no such directive', () => {
    expect(new Story().typesWhen({ type: 'pause', commandId: 'p' })).toEqual([
      'refused: not_found',
    ]);
  });
});

describe('a git workspace', () => {
  const git = { workspace: { kind: 'git', repository: '/r' } };
  const prepared: WorkspaceEvent = {
    type: 'WorkspacePrepared',
    data: {
      directiveId: id,
      kind: 'git',
      path: '/r',
      branch: `writ/${id}`,
      baseCommit: 'c0',
    },
  };

  it('is prepared before the first step starts', () => {
    const story = new Story();
    expect(story.create(file([{ name: 'one' }], git))).toEqual([
      'DirectiveCreated',
      'DirectiveStarted',
    ]);
    expect(workOf(story.directive)).toMatchObject([{ data: { op: 'prepare' } }]);
    expect(story.workspace(prepared)).toEqual(['WorkspaceReady', 'ChainActivated', 'StepStarted']);
    expect(story.workspace(prepared)).toEqual([]);
  });

  it('fails the directive when it cannot be prepared', () => {
    const story = new Story();
    story.create(file([{ name: 'one' }], git));
    const data = { directiveId: id, code: 'not_a_repository', message: '/r is none' };
    expect(story.workspace({ type: 'WorkspaceRefused', data })).toEqual(['DirectiveFailed']);
    expect(story.directive.reason).toBe('not_a_repository: /r is none');
  });

  it('waits for the resume when it was paused while it was prepared', () => {
    const story = new Story();
    story.create(file([{ name: 'one' }], git));
    story.when({ type: 'pause', commandId: 'p' });
    expect(story.workspace(prepared)).toEqual(['WorkspaceReady']);
    expect(story.typesWhen({ type: 'resume', commandId: 'r' })).toEqual([
      'DirectiveResumed',
      'ChainActivated',
      'StepStarted',
    ]);
  });

  it('takes no news of a workspace that it does not wait for', () => {
    const data = { directiveId: id, code: 'not_a_repository', message: '/r is none' };
    const refused: WorkspaceEvent = { type: 'WorkspaceRefused', data };
    const without = running();
    expect(without.workspace(refused)).toEqual([]);
    expect(without.workspace(prepared)).toEqual([]);
    const draft = new Story();
    draft.create(file([{ name: 'one' }], git), { start: false });
    expect(draft.workspace(refused)).toEqual([]);
    const ready = new Story();
    ready.create(file([{ name: 'one' }], git));
    ready.workspace(prepared);
    expect(ready.workspace(refused)).toEqual([]);
  });

  it('merges a step before it passes; a conflict sends it back to where the branch is', () => {
    const story = new Story();
    story.create(file([{ name: 'one' }, { name: 'two' }], git));
    story.workspace(prepared);
    expect(story.end('one', { commit: 'c1' })).toEqual(['StepMerging']);
    expect(story.end('two', { commit: 'c2' })).toEqual(['StepMerging']);
    const about = { directiveId: id, runId: `${id}-g1-one-a1`, step: 'one' };
    expect(story.workspace({ type: 'StepMerged', data: { ...about, commit: 'm1' } })).toEqual([
      'StepPassed',
    ]);
    const other = { directiveId: id, runId: `${id}-g1-two-a1`, step: 'two' };
    const conflict = { ...other, paths: ['x'], message: 'x differs' };
    const conflicted = { type: 'StepMergeConflicted', data: conflict } as const;
    expect(story.workspace(conflicted)).toEqual(['StepReworkRequested', 'StepStarted']);
    expect(notedOfWorkspace(story.directive)).toBe(3);
    expect(workOf(story.directive)).toMatchObject([
      {
        id: `${id}-g1-two-a2`,
        data: {
          rework: { continues: false, previous: { commit: 'c2' }, checks: [{ name: 'merge' }] },
        },
      },
    ]);
    // The same change again would only conflict again.
    story.end('two', { runId: `${id}-g1-two-a2`, commit: 'c3' });
    const again = { ...conflict, runId: `${id}-g1-two-a2` };
    expect(story.workspace({ type: 'StepMergeConflicted', data: again })).toEqual([
      'StepFailed',
      'DirectiveFailed',
    ]);
    expect(notedOfWorkspace(story.directive)).toBe(4);
    expect(story.directive.commit).toBe('m1');
  });
});
