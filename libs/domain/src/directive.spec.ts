import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import {
  approvalIdOf,
  DirectiveFile,
  directiveStatuses,
  isRefusal,
  type DirectiveEvent,
  type RunEnded,
  type RunWork,
  type WorkspaceEvent,
} from '@writ/contracts';
import { DeciderHistory } from '@writ/testing';
import type { Approval } from './approvals';
import { directiveDecider, legalFrom, type DirectiveCommand } from './directive';
import type { Directive, DirectiveState } from './directive-state';
import { directiveDocument } from './directive-documents';
import { notedOfWorkspace } from './directive-progress';
import type { CastVote } from './directive-votes';
import { passesByItself } from './step-outcome';
import { workAfter, workOf } from './directive-work';
import { planExplicit } from './planning';

const id = 'abcdefgh12345678';

type StepInput = { name: string; dependsOn?: string[] } & Record<string, unknown>;

function file(steps: StepInput[], more: Record<string, unknown> = {}): DirectiveFile {
  return DirectiveFile.parse({
    title: 'A title',
    goal: 'A goal',
    chain: {
      steps: steps.map((step) => ({ adapter: { kind: 'echo' }, verify: 'none', ...step })),
    },
    ...more,
  });
}

class Story extends DeciderHistory<DirectiveState, DirectiveCommand, DirectiveEvent> {
  constructor() {
    super(directiveDecider, `directive-${id}`);
  }

  create(written: DirectiveFile, more: { commandId?: string; start?: boolean } = {}): string[] {
    const plan = planExplicit(written);
    if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
    return this.typesWhen({
      type: 'create',
      commandId: more.commandId ?? 'create-1',
      directiveId: id,
      ...plan,
      contentDigest: `sha256:${'a'.repeat(64)}`,
      start: more.start ?? true,
    });
  }

  get directive(): Directive {
    if (this.state.status === 'absent') throw new Error('absent');
    return this.state;
  }

  end(step: string, more: Partial<RunEnded> = {}): string[] {
    return this.typesWhen({ type: 'note-runs', ends: [this.ended(step, more)] });
  }

  ended(step: string, more: Partial<RunEnded> = {}): RunEnded {
    return {
      runId: `${id}-g1-${step}-a1`,
      directiveId: id,
      step,
      attempt: 1,
      claim: 1,
      executorId: 'e',
      adapter: { kind: 'echo', version: '1' },
      result: 'success',
      stages: [],
      attempts: [],
      exitCode: 0,
      artifacts: [],
      durationMs: 1,
      ...more,
    };
  }

  evaluate(
    step: string,
    level: 'green' | 'yellow' | 'red' | 'unknown',
    runId = this.runIdOf(step),
  ): string[] {
    const confidence = { score: level === 'red' ? 0 : 1, level };
    const about = {
      runId,
      directiveId: id,
      step,
      checks: [],
      summary: 'checks say',
      durationMs: 1,
    };
    return this.typesWhen({ type: 'note-evaluation', evaluation: { ...about, confidence } });
  }

  /** Ends and judges the present attempt. */
  attempt(step: string, score: number, made = String(score)): string[] {
    const runId = this.runIdOf(step);
    const digest = `sha256:${createHash('sha256').update(made).digest('hex')}`;
    this.end(step, { runId, artifacts: [{ path: 'out', digest, bytes: 1 }] });
    const level = score === 1 ? ('green' as const) : ('red' as const);
    const check = { name: 'tests', kind: 'program', required: true, weight: 1, durationMs: 1 };
    const outcome = score === 1 ? ('passed' as const) : ('failed' as const);
    const evaluation = {
      ...{ runId, directiveId: id, step, summary: 'checks say', durationMs: 1 },
      checks: [{ ...check, outcome, message: 'it ended with 1', tail: 'expected 4' }],
      confidence: { score, level },
    };
    return this.typesWhen({ type: 'note-evaluation', evaluation });
  }

  runIdOf(step: string): string {
    return this.directive.chain.get(step)?.runId ?? `${id}-g1-${step}-a1`;
  }

  approval(step: string): Approval {
    const found = this.directive.approvals.get(approvalIdOf(this.runIdOf(step)));
    if (found === undefined) throw new Error(`nobody is asked about ${step}`);
    return found;
  }

  vote(step: string, more: Partial<CastVote> = {}): string[] {
    const { approvalId, digest } = this.approval(step).request;
    const decision = more.decision ?? 'approve';
    return this.typesWhen({
      ...{ type: 'vote', approvalId, digest, decision, by: { id: 'alice' }, now: '2026-01-01' },
      ...{
        commandId: `vote-${this.events.length}`,
        verb: decision === 'approve' ? decision : 'deny',
      },
      ...more,
    });
  }

  workspace(event: WorkspaceEvent): string[] {
    return this.typesWhen({ type: 'note-workspace', event });
  }

  statusOf(step: string): string | undefined {
    return this.directive.chain.get(step)?.status;
  }
}

const running = () => {
  const story = new Story();
  story.create(file([{ name: 'one' }, { name: 'two', dependsOn: ['one'] }]));
  return story;
};

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
  it('blocks what needs it when it fails, lets the rest finish, then fails the directive', () => {
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

  it('cancels what runs when more steps failed than the limit allows', () => {
    const story = new Story();
    story.create(file([{ name: 'a' }, { name: 'b' }], { limits: { maxFailedSteps: 0 } }));
    expect(story.end('a', { result: 'timed_out' })).toEqual([
      'StepFailed',
      'StepCancelled',
      'DirectiveFailed',
    ]);
  });

  const [P, A, R, B] = ['StepPassed', 'ApprovalRequested', 'StepReworkRequested', 'StepBlocked'];
  it.each([
    ['full_auto', { green: P, yellow: P, unknown: P, red: R, 'red at the limit': B }],
    ['guardrails', { green: P, yellow: A, unknown: A, red: R, 'red at the limit': A }],
    ['manual', { green: A, yellow: A, unknown: A, red: A, 'red at the limit': A }],
  ])('under %s goes on as its evaluation says', (autonomy, row) => {
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

  it('ignores a result that comes again, of an older run, or after the end', () => {
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

  it('refuses every transition that is not legal, naming from, to and what would be', () => {
    const ways: Record<string, (story: Story) => void> = {
      draft: () => undefined,
      active: (story) => story.when({ type: 'start', commandId: 's' }),
      paused: (story) => {
        story.when({ type: 'start', commandId: 's' });
        story.when({ type: 'pause', commandId: 'p' });
      },
      completed: (story) => {
        story.when({ type: 'start', commandId: 's' });
        story.end('one');
      },
      failed: (story) => {
        story.when({ type: 'start', commandId: 's' });
        story.end('one', { result: 'failed' });
      },
      stopped: (story) => story.when({ type: 'stop', commandId: 't' }),
      archived: (story) => story.when({ type: 'archive', commandId: 'a' }),
    };
    for (const [from, reach] of Object.entries(ways)) {
      for (const verb of Object.keys(legalFrom) as (keyof typeof legalFrom)[]) {
        const story = new Story();
        story.create(file([{ name: 'one' }]), { start: false });
        reach(story);
        expect(story.directive.status).toBe(from);
        const decision = story.when({ type: verb, commandId: `${verb}-now` });
        const events = isRefusal(decision) ? [] : decision;
        if ((legalFrom[verb] as string[]).includes(from)) {
          expect(events[0]?.type).not.toBe('CommandRefused');
        } else {
          expect(events).toMatchObject([
            {
              type: 'CommandRefused',
              data: { code: 'illegal_transition', details: { from, verb } },
            },
          ]);
        }
      }
    }
    expect(Object.values(legalFrom).flat()).toEqual(
      expect.arrayContaining(directiveStatuses.filter((it) => it !== 'archived')),
    );
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

describe('rework', () => {
  const checked = { verify: [{ kind: 'files', paths: ['x'] }] };
  const story = (more: object = {}) => {
    const fresh = new Story();
    fresh.create(file([{ name: 'one', ...checked }], { autonomy: 'full_auto', ...more }));
    return fresh;
  };

  it('runs the step again with what the checks found', () => {
    const one = story();
    expect(one.attempt('one', 0.2)).toEqual(['StepReworkRequested', 'StepStarted']);
    expect(workOf(one.directive)).toMatchObject([
      {
        id: `${id}-g1-one-a2`,
        data: {
          attempt: 2,
          rework: {
            instructions: 'Mend what the checks found: checks say',
            checks: [{ name: 'tests', passed: false, output: 'it ended with 1\nexpected 4' }],
            previous: { runId: `${id}-g1-one-a1`, artifacts: [{ path: 'out' }] },
            continues: true,
          },
        },
      },
    ]);
    expect(one.attempt('one', 1)).toEqual(['StepPassed', 'DirectiveCompleted']);
    expect(one.directive.chain.get('one')).toMatchObject({ attempt: 2, status: 'passed' });
  });

  it('ends at its limit; the step is blocked, and what needs it', () => {
    const one = new Story();
    const steps = [
      { name: 'one', ...checked },
      { name: 'two', dependsOn: ['one'] },
    ];
    one.create(file(steps, { autonomy: 'full_auto', limits: { maxReworkCycles: 2 } }));
    one.attempt('one', 0.1);
    one.attempt('one', 0.2);
    expect(one.attempt('one', 0.3)).toEqual(['StepBlocked', 'StepBlocked', 'DirectiveFailed']);
    expect(directiveDocument(one.directive).steps).toMatchObject([
      { status: 'blocked', reason: '2 reworks did not mend it: checks say' },
      { status: 'blocked', reason: 'needs one, which failed' },
    ]);
  });

  it.each([
    ['makes the same again', [0.2, 0.4], ['same', 'same'], 'made the same again'],
    ['is not better', [0.2, 0.2], ['a', 'b'], 'did not make it better (score 0.2, then 0.2)'],
    ['is worse', [0.4, 0.2], ['a', 'b'], 'did not make it better (score 0.4, then 0.2)'],
  ])('ends early when it %s', (_, scores, made, reason) => {
    const one = story();
    one.attempt('one', scores[0] ?? 0, made[0]);
    expect(one.attempt('one', scores[1] ?? 0, made[1])[0]).toBe('StepBlocked');
    expect(directiveDocument(one.directive).steps[0]?.reason).toContain(reason);
  });

  it('waits for room like any step that is ready', () => {
    const one = new Story();
    const steps = [{ name: 'one', ...checked }, { name: 'two' }, { name: 'three' }];
    one.create(file(steps, { limits: { maxParallelSteps: 2 } }));
    one.typesWhen({ type: 'pause', commandId: 'pause' });
    expect(one.attempt('one', 0)).toEqual(['StepReworkRequested']);
    expect(one.statusOf('one')).toBe('rework');
    expect(one.typesWhen({ type: 'resume', commandId: 'resume' })).toEqual([
      ...['DirectiveResumed', 'StepStarted'],
    ]);
    expect(one.directive.chain.get('one')?.attempt).toBe(2);
  });

  it('costs what each attempt cost', () => {
    const one = story();
    const usage = { inputTokens: 1, outputTokens: 1, costUsd: 0.25 };
    for (const score of [0.1, 1]) {
      one.end('one', { runId: one.runIdOf('one'), usage, artifacts: [] });
      one.attempt('one', score);
    }
    expect(one.directive.costUsd).toBe(0.5);
  });
});

describe('an approval', () => {
  const asking = (approvals: object = {}, steps: StepInput[] = [{ name: 'one' }]) => {
    const story = new Story();
    story.create(file(steps, { autonomy: 'manual', approvals }));
    for (const { name } of steps) if (story.statusOf(name) === 'running') story.end(name);
    return story;
  };
  const vote = (by: string, more: Partial<CastVote> = {}) => ({ by: { id: by }, ...more });

  it('is asked with the digest of what was made, and holds no place', () => {
    const story = new Story();
    const limits = { maxParallelSteps: 1 };
    story.create(file([{ name: 'one' }, { name: 'two' }], { autonomy: 'manual', limits }));
    expect(story.end('one')).toEqual(['ApprovalRequested', 'StepStarted']);
    expect(story.directive.status).toBe('active');
    const [approval] = directiveDocument(story.directive).approvals;
    expect(approval).toMatchObject({
      ...{ id: `${id}-g1-one-a1-review`, status: 'pending', stepName: 'one', quorum: 1 },
      ...{ stepId: `${id}-g1-one`, deadline: null, votes: [] },
      context: { summary: 'no check is asked for', confidence: null },
    });
    expect(workOf(story.directive)).toMatchObject([{ data: { step: 'two' } }]);
  });

  it('lets the step pass when it is given, once', () => {
    const story = asking();
    expect(story.vote('one')).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepPassed', 'DirectiveCompleted'],
    ]);
    expect(story.vote('one', vote('bob'))).toEqual(['CommandRefused']);
    expect(directiveDocument(story.directive).approvals[0]).toMatchObject({ status: 'approved' });
  });

  it('blocks the step when it is denied, and says who and why', () => {
    const story = asking({}, [{ name: 'one' }, { name: 'two', dependsOn: ['one'] }]);
    expect(story.vote('one', { decision: 'deny', comment: 'not like this' })).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepBlocked', 'StepBlocked', 'DirectiveFailed'],
    ]);
    expect(directiveDocument(story.directive).steps[0]).toMatchObject({
      ...{ status: 'blocked', reason: 'denied by alice: not like this' },
    });
  });

  it('sends the step back with the comment', () => {
    const story = asking();
    expect(story.vote('one', { decision: 'rework', comment: 'shorter' })).toEqual([
      ...['ApprovalVoted', 'ApprovalResolved', 'StepReworkRequested', 'StepStarted'],
    ]);
    const [work] = workOf(story.directive);
    expect((work?.data as RunWork).rework?.instructions).toMatch(/^shorter\n/);
  });

  it('proposes rework for what was red', () => {
    const story = new Story();
    const verify = [{ kind: 'files', paths: ['x'] }];
    story.create(file([{ name: 'one', verify }], { autonomy: 'manual' }));
    story.attempt('one', 0.2);
    expect(story.approval('one').request).toMatchObject({
      ...{ reworkProposed: true, rework: { checks: [{ output: 'it ended with 1\nexpected 4' }] } },
      confidence: { score: 0.2, level: 'red' },
    });
  });

  const refusalOf = (story: Story) => (story.events.at(-1)?.data as { code: string }).code;

  it.each([
    ['another digest', {}, { digest: `sha256:${'0'.repeat(64)}` }, 'stale'],
    ['no such approval', {}, { approvalId: `${id}-g1-two-a1-review` }, 'not_found'],
    [
      'another role',
      { roles: ['lead'] },
      vote('bob', { by: { id: 'bob', roles: ['dev'] } }),
      'not_allowed',
    ],
    ['no role', { roles: ['lead'] }, { by: { id: 'bob', roles: [] } }, 'not_allowed'],
    ['the requester', { excludeRequester: true }, vote('test'), 'not_allowed'],
    ['too late', { deadlineMinutes: 1 }, { now: '2026-02-01T00:00:00Z' }, 'stale'],
  ])('refuses %s', (_, approvals, cast, code) => {
    const story = asking(approvals);
    expect(story.vote('one', cast)).toEqual(['CommandRefused']);
    expect(refusalOf(story)).toBe(code);
    expect(story.statusOf('one')).toBe('awaiting_approval');
  });

  it('needs as many different people as it says', () => {
    const story = asking({ quorum: 2, roles: ['lead'] });
    expect(story.vote('one', { by: { id: 'alice', roles: ['lead'] } })).toEqual(['ApprovalVoted']);
    expect(story.vote('one', { by: { id: 'alice', roles: ['lead'] } })).toEqual(['CommandRefused']);
    expect(story.vote('one', vote('bob'))).toContain('StepPassed');
  });

  it('is denied by one, whoever approved before', () => {
    const story = asking({ quorum: 3 });
    story.vote('one');
    expect(story.vote('one', vote('bob', { decision: 'deny' }))).toContain('StepBlocked');
  });

  it('gives a repeated command its first answer', () => {
    const story = asking({ quorum: 2 });
    const cast = { commandId: 'the-same' };
    story.vote('one', cast);
    expect(story.vote('one', cast)).toEqual([]);
    expect(story.directive.answers.get('the-same')).toMatchObject({ verb: 'approve' });
  });

  it('is denied when its deadline is over, or goes to others first', () => {
    const later = (story: Story, now: string) => story.typesWhen({ type: 'note-deadline', now });
    const denied = asking({ deadlineMinutes: 5 });
    const { deadline } = denied.approval('one');
    expect(later(denied, '2026-01-01T00:04:00Z')).toEqual([]);
    expect(later(denied, deadline ?? '')).toEqual([
      ...['ApprovalResolved', 'StepBlocked', 'DirectiveFailed'],
    ]);
    const moved = asking({ deadlineMinutes: 5, onExpiry: 'escalate', escalateTo: ['boss'] });
    const first = moved.approval('one').deadline ?? '';
    expect(later(moved, first)).toEqual(['ApprovalEscalated']);
    expect(moved.approval('one').roles).toEqual(['boss']);
    const second = moved.approval('one').deadline ?? '';
    expect(second > first).toBe(true);
    expect(later(moved, second)).toContain('StepBlocked');
  });

  it('of several that are over ends the directive once', () => {
    const steps = [{ name: 'one' }, { name: 'two' }];
    const story = new Story();
    const approvals = { deadlineMinutes: 5 };
    const limits = { maxFailedSteps: 0 };
    story.create(file(steps, { autonomy: 'manual', approvals, limits }));
    for (const { name } of steps) story.end(name);
    const now = '2026-01-02T00:00:00Z';
    expect(story.typesWhen({ type: 'note-deadline', now })).toEqual([
      ...['ApprovalResolved', 'StepBlocked', 'ApprovalVoided', 'DirectiveFailed'],
    ]);
  });

  it('is void when the directive ends without it', () => {
    const story = asking();
    expect(story.typesWhen({ type: 'stop', commandId: 'stop' })).toEqual([
      ...['ApprovalVoided', 'DirectiveStopped'],
    ]);
    expect(story.vote('one')).toEqual(['CommandRefused']);
    expect(refusalOf(story)).toBe('stale');
  });

  it('of ten is decided in any order, each once', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(10).keys()], { minLength: 10 }), (order) => {
        const steps = order.map((_, at) => ({ name: `s${at}` }));
        const story = new Story();
        const limits = { maxParallelSteps: 10 };
        story.create(file(steps, { autonomy: 'manual', limits }));
        for (const { name } of steps) story.end(name);
        for (const at of order) expect(story.vote(`s${at}`)).toContain('StepPassed');
        for (const at of order) expect(story.vote(`s${at}`)).toEqual(['CommandRefused']);
        expect(story.directive.status).toBe('completed');
      }),
      { numRuns: 30 },
    );
  });
});

describe('the work that is due', () => {
  it('is told right after the events that make it due, and again as long as it is', () => {
    const story = running();
    const items = workOf(story.directive);
    expect(items).toMatchObject([{ subject: 'writ.work.echo', id: `${id}-g1-one-a1` }]);
    expect(workAfter(story.directive, story.events as unknown as DirectiveEvent[])).toEqual(items);
    story.end('one', { artifacts: [{ path: 'p', digest: `sha256:${'c'.repeat(64)}`, bytes: 1 }] });
    expect(workOf(story.directive)).toMatchObject([
      { data: { step: 'two', dependencies: [{ step: 'one', artifacts: [{ path: 'p' }] }] } },
    ]);
    story.when({ type: 'stop', commandId: 's' });
    expect(workOf(story.directive)).toEqual([]);
  });
});

describe('the steps that may follow a step at once', () => {
  type Steps = Parameters<typeof file>[0];
  const ahead = (steps: Steps, more: Parameters<typeof file>[1] = {}, most = 16) => {
    const story = new Story();
    story.create(file(steps, more));
    const [first] = workOf(story.directive, { next: most });
    return (first?.data as RunWork).next?.map(({ step }) => step);
  };

  it('are those that are ready when those before them have passed, in that order', () => {
    const steps = [
      { name: 'join', dependsOn: ['left', 'right'] },
      { name: 'left', dependsOn: ['one'] },
      { name: 'right', dependsOn: ['one'] },
      { name: 'one' },
      { name: 'last', dependsOn: ['join'] },
      { name: 'of-both', dependsOn: ['last', 'elsewhere'] },
      { name: 'elsewhere' },
    ];
    expect(ahead(steps)).toEqual(['left', 'right', 'join', 'last']);
    expect(ahead(steps, {}, 2)).toEqual(['left', 'right']);
    expect(ahead(steps, {}, 0)).toBeUndefined();
  });

  it('are none whose result may not stand for another, and none in a workspace', () => {
    const two = { name: 'two', dependsOn: ['one'] };
    expect(ahead([{ name: 'one' }, two])).toEqual(['two']);
    expect(ahead([{ name: 'one', cache: false }, two])).toBeUndefined();
    expect(ahead([{ name: 'one' }, { ...two, cache: false }])).toBeUndefined();
    const story = new Story();
    story.create(file([{ name: 'one' }, two], { workspace: { kind: 'directory', path: '/w' } }));
    const prepared = { path: '/w' };
    story.workspace({ type: 'WorkspacePrepared', data: { directiveId: id, ...prepared } as never });
    expect(workOf(story.directive, { next: 16 })).toMatchObject([{ data: { step: 'one' } }]);
    expect(workOf(story.directive, { next: 16 })[0]?.data).not.toHaveProperty('next');
  });

  it('are none while the directive is paused', () => {
    const story = running();
    story.when({ type: 'pause', commandId: 'p' });
    expect(workOf(story.directive, { next: 16 })[0]?.data).not.toHaveProperty('next');
  });

  it('carry the runs of those before them, whose artifacts nobody knows yet', () => {
    const story = new Story();
    story.create(
      file([{ name: 'one' }, ...['two', 'three'].map((name) => ({ name, dependsOn: ['one'] }))]),
    );
    const [first] = workOf(story.directive, { next: 16 });
    const { next = [] } = first?.data as RunWork;
    expect(next.map(({ runId }) => runId)).toEqual([`${id}-g1-two-a1`, `${id}-g1-three-a1`]);
    expect(next[0]?.dependencies).toEqual([
      { step: 'one', runId: `${id}-g1-one-a1`, artifacts: [] },
    ]);
  });
});

describe('runs that ended together', () => {
  it('are noted in one decision, each when those before it have led to it', () => {
    const story = running();
    const ends = ['one', 'two'].map((step) => story.ended(step));
    expect(story.typesWhen({ type: 'note-runs', ends })).toEqual([
      ...['StepPassed', 'StepStarted', 'StepPassed', 'DirectiveCompleted'],
    ]);
  });

  it('count up to the first that leads to nothing', () => {
    const story = running();
    const failed = { ...story.ended('one'), result: 'failed' as const };
    expect(story.typesWhen({ type: 'note-runs', ends: [failed, story.ended('two')] })).toEqual([
      ...['StepFailed', 'StepBlocked', 'DirectiveFailed'],
    ]);
    const paused = running();
    paused.when({ type: 'pause', commandId: 'p' });
    const ends = ['one', 'two'].map((step) => paused.ended(step));
    expect(paused.typesWhen({ type: 'note-runs', ends })).toEqual(['StepPassed']);
    expect(paused.statusOf('two')).toBe('pending');
  });

  it('have their work sent when they did not end themselves', () => {
    const story = new Story();
    const names = ['one', 'two', 'three'];
    story.create(file(names.map((name, at) => ({ name, dependsOn: names.slice(at - 1, at) }))));
    const ends = ['one', 'two'].map((step) => story.ended(step));
    const events = story.when({ type: 'note-runs', ends }) as DirectiveEvent[];
    expect(workAfter(story.directive, events).map(({ data }) => data)).toMatchObject([
      { step: 'three' },
    ]);
  });
});

describe('whatever happens', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  /** What helps a directive on comes more often, or few would come far. */
  const happening = fc.constantFrom(
    ...['end', 'end', 'end', 'end', 'end', 'end', 'green', 'green', 'merged', 'merged', 'prepared'],
    ...['fail', 'late', 'yellow', 'red', 'red', 'conflict', 'refused'],
    ...['approve', 'approve', 'approve', 'deny', 'rework'],
    ...['start', 'pause', 'resume', 'resume', 'stop', 'archive'],
  );

  /** `runs`: of whom each news was, which comes twice. */
  function tell(
    story: Story,
    what: string,
    step: string,
    at: number,
    runs: Map<string, string>,
  ): string[] {
    const runId = runs.get(`${step} ${at}`) ?? story.runIdOf(step);
    runs.set(`${step} ${at}`, runId);
    const about = { directiveId: id, runId, step };
    const commit = { commit: `c${at}` };
    switch (what) {
      case 'end':
        return story.end(step, { runId, ...(story.directive.workspace === null ? {} : commit) });
      case 'fail':
        return story.end(step, { runId, result: at % 2 === 0 ? 'failed' : 'cancelled' });
      case 'late':
        return story.end(step, { runId: `${id}-g1-${step}-a9` });
      case 'approve':
      case 'deny':
      case 'rework': {
        const approvalId = approvalIdOf(runId);
        const digest = story.directive.approvals.get(approvalId)?.request.digest ?? '';
        const verb = what === 'approve' ? what : 'deny';
        const said = { approvalId, digest, verb, decision: what } as const;
        const voter = { by: { id: 'alice' }, now: '2026-01-01T00:00:00Z' };
        return story.typesWhen({ type: 'vote', commandId: `vote-${at}`, ...said, ...voter });
      }
      case 'green':
      case 'yellow':
      case 'red':
        return story.evaluate(step, what, runId);
      case 'merged':
        return story.workspace({ type: 'StepMerged', data: { ...about, ...commit } });
      case 'conflict': {
        const data = { ...about, paths: ['x'], message: 'x differs' };
        return story.workspace({ type: 'StepMergeConflicted', data });
      }
      case 'prepared': {
        const data = { directiveId: id, kind: 'git', path: '/r', baseCommit: 'c0' } as const;
        return story.workspace({ type: 'WorkspacePrepared', data });
      }
      case 'refused': {
        const data = { directiveId: id, code: 'no', message: 'it is none' };
        return story.workspace({ type: 'WorkspaceRefused', data });
      }
      default:
        return story.typesWhen({ type: what as 'pause', commandId: `command-${at % 7}` });
    }
  }

  /** What must hold in every state; the chain keeps counts, here they are counted. */
  function check({ directive }: Story, limits: { maxParallelSteps: number }): void {
    const steps = [...directive.chain];
    const of = (...some: string[]) => steps.filter(({ status }) => some.includes(status));
    const passed = new Set(of('passed').map(({ spec }) => spec.name));
    const waits = (dependsOn: string[]) => dependsOn.filter((name) => !passed.has(name)).length;
    const active = of('running', 'evaluating', 'merging');
    const ready = of('pending', 'rework').filter(({ spec }) => waits(spec.dependsOn) === 0);
    const waiting = of('awaiting_approval');
    const failed = steps.filter((it) => it.status === 'failed' || it.failure !== null);
    expect(steps.map(({ waitsFor }) => waitsFor)).toEqual(
      steps.map(({ spec }) => waits(spec.dependsOn)),
    );
    expect(directive.chain.tally).toEqual({
      ready: ready.length,
      active: active.length,
      failed: failed.length,
      waiting: waiting.length,
    });
    expect(directive.chain.active()).toEqual(active);
    expect(directive.chain.failed()).toEqual(failed);
    expect(directive.chain.firstReady()).toBe(ready[0]);
    expect(active.length).toBeLessThanOrEqual(limits.maxParallelSteps);
    const { status } = directive;
    if (status === 'completed') expect(passed.size).toBe(steps.length);
    if (status === 'active') expect(active.length + waiting.length).toBeGreaterThan(0);
    const asked = [...directive.approvals.values()].filter((it) => it.status === 'pending');
    expect(asked.map(({ request }) => request.step).sort()).toEqual(
      waiting.map(({ spec }) => spec.name).sort(),
    );
    if (['completed', 'failed', 'stopped', 'archived'].includes(status)) {
      expect(active.length + of('pending', 'rework', 'awaiting_approval').length).toBe(0);
    }
    expect(workOf(directive).filter(({ id: item }) => !item.endsWith('-prepare'))).toHaveLength(
      ['completed', 'failed', 'stopped', 'archived'].includes(status) ? 0 : active.length,
    );
  }

  it('folds to a sound state, ends at most once, and never starts before its dependencies', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(happening, fc.constantFrom(...names)), { maxLength: 60 }),
        fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }),
        fc.record({ maxParallelSteps: fc.integer({ min: 1, max: 3 }), maxFailedSteps: fc.nat(2) }),
        fc.boolean(),
        (happenings, edges, limits, inGit) => {
          let edge = 0;
          const steps = names.map((name, at) => ({
            name,
            dependsOn: names.slice(0, at).filter(() => edges[edge++] ?? false),
            ...(at % 2 === 0 ? {} : { verify: [{ kind: 'files', paths: ['x'] }] }),
          }));
          const workspace = inGit ? { kind: 'git', repository: '/r' } : { kind: 'none' };
          const story = new Story();
          story.create(file(steps, { limits, workspace }));
          const passed = new Set<string>();
          const runs = new Map<string, string>();
          happenings.forEach(([what, step], at) => {
            const before = story.directive;
            const shown = JSON.stringify(directiveDocument(before));
            const from = story.events.length;
            const happened = tell(story, what, step, at, runs);
            // Deciding changes nothing, and the same news again changes nothing either.
            expect(JSON.stringify(directiveDocument(before))).toBe(shown);
            if (!happened.includes('CommandRefused')) {
              const again = tell(story, what, step, at, runs);
              expect(again.filter((it) => !/refused/i.test(it))).toEqual([]);
            }
            for (const { type, data } of story.events.slice(from)) {
              const name = (data as { step: string }).step;
              if (type === 'StepPassed') passed.add(name);
              if (type !== 'StepStarted') continue;
              expect(['planning', 'active', 'paused']).toContain(before.status);
              if (before.status === 'paused') expect(what).toBe('resume');
              const spec = steps.find((it) => it.name === name);
              expect(spec?.dependsOn.every((it) => passed.has(it))).toBe(true);
            }
            check(story, limits);
          });
          const types = story.events.map((event) => event.type);
          const ends = types.filter((it) => /^Directive(Completed|Failed|Stopped)$/.test(it));
          expect(ends.length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 300 },
    );
  });
});
