import { isRefusal, type RollbackPlan, RollbackPlan as Plan } from '@writ/contracts';
import { DirectiveStory, storyFile, storyId, type StoryStep } from '@writ/testing';
import { mergedIn, planRollback } from './plan-rollback';
import { rollbackAdvisory } from './rollback-advisory';

const sha = (letter: string) => letter.repeat(40);
const base = sha('0');
const git = { kind: 'git', repository: '/r' };

/** Steps that are merged one after the other, each with a commit of its letter. */
class GitStory extends DirectiveStory {
  begin(steps: StoryStep[], more: Record<string, unknown> = {}): this {
    this.create(storyFile(steps, { workspace: git, autonomy: 'full_auto', ...more }));
    const where = { kind: 'git' as const, path: '/r', branch: `writ/${storyId}`, baseCommit: base };
    this.workspace({ type: 'WorkspacePrepared', data: { directiveId: storyId, ...where } });
    return this;
  }

  merge(step: string, commit = sha(step.slice(0, 1))): this {
    const runId = this.runIdOf(step);
    this.end(step, { runId, commit: sha('e') });
    const data = { directiveId: storyId, runId, step, commit };
    this.workspace({ type: 'StepMerged', data });
    return this;
  }

  plan(step: string): RollbackPlan {
    const plan = planRollback(this.directive, step);
    if (isRefusal(plan)) throw new Error(plan.message);
    return Plan.parse(plan);
  }

  why(step: string): string[] {
    return this.plan(step).steps.map(({ step: name, because, through }) => {
      return `${name} ${because}${through === null ? '' : ` ${through}`}`;
    });
  }
}

const chain = [{ name: 'a' }, { name: 'b', dependsOn: ['a'] }, { name: 'c', dependsOn: ['b'] }];
const apart = [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd', dependsOn: ['b'] }];

describe('a plan to roll back', () => {
  it('takes the step and all that needs it, directly or through others', () => {
    const story = new GitStory().begin(chain).merge('a').merge('b');
    expect(story.why('b')).toEqual(['b asked', 'c depends_on b']);
    expect(story.plan('b')).toMatchObject({ from: sha('b'), to: sha('a') });
    expect(story.why('a')).toEqual(['a asked', 'b depends_on a', 'c depends_on b']);
    expect(story.plan('a')).toMatchObject({ from: sha('b'), to: base });
  });

  it('takes what was merged after it in the branch, though it needs nothing of it', () => {
    const story = new GitStory().begin(apart).merge('b').merge('a').merge('d').merge('c');
    const order = mergedIn(story.directive.chain).map(({ step }) => step);
    expect(order).toEqual(['b', 'a', 'd', 'c']);
    expect(story.why('a')).toEqual(['a asked', 'c merged_after a', 'd merged_after a']);
    expect(story.plan('a')).toMatchObject({ from: sha('c'), to: sha('b') });
    expect(story.plan('c')).toMatchObject({ to: sha('d'), steps: [{ step: 'c' }] });
  });

  it('takes what is under way: it may have begun from files that go back', () => {
    const limits = { limits: { maxParallelSteps: 2 } };
    const story = new GitStory().begin(apart, limits).merge('a');
    expect([story.statusOf('b'), story.statusOf('c')]).toEqual(['running', 'running']);
    expect(story.why('a')).toEqual([
      'a asked',
      'b begun_on_it a',
      'c begun_on_it a',
      'd depends_on b',
    ]);
  });

  it('leaves the branch alone when nothing of it was merged', () => {
    const story = new GitStory().begin(apart).merge('b');
    expect(story.plan('a')).toMatchObject({ from: sha('b'), to: sha('b') });
  });

  it('goes by the merges of the branch where they are known, those of earlier chains too', () => {
    const story = new GitStory().begin(chain).merge('a').merge('b').merge('c');
    const merged = ['a', 'gone', 'b', 'c'].map((step) => ({ step, commit: sha(step.slice(0, 1)) }));
    const plan = planRollback(story.directive, 'b', merged);
    expect(plan).toMatchObject({
      from: sha('c'),
      to: sha('g'),
      steps: [{ step: 'b' }, { step: 'c' }],
    });
  });

  it('goes back to before the first time that a step was merged', () => {
    const story = new GitStory().begin(apart).merge('a').merge('b');
    const merged = ['a', 'b', 'a'].map((step, at) => ({ step, commit: sha(String(at + 1)) }));
    expect(planRollback(story.directive, 'a', merged)).toMatchObject({ from: sha('3'), to: base });
  });

  it('refuses a step that is not there, and one that has not begun', () => {
    const story = new GitStory().begin(chain);
    expect(planRollback(story.directive, 'x')).toMatchObject({ refused: 'not_found' });
    expect(planRollback(story.directive, 'b')).toMatchObject({ refused: 'illegal_transition' });
  });

  it('has no commits without a git workspace', () => {
    const story = new DirectiveStory();
    story.create(storyFile(chain));
    story.end('a');
    const plan = planRollback(story.directive, 'a');
    expect(plan).toMatchObject({ from: null, to: null, irreversible: [] });
  });

  it('names what has effects outside of the workspace, and only when it has begun', () => {
    const steps = [
      { name: 'a', cache: false },
      { name: 'b', dependsOn: ['a'], cache: false },
    ];
    const story = new GitStory().begin(steps);
    expect(story.plan('a').irreversible).toEqual([
      { step: 'a', why: expect.stringContaining('cache: false') },
    ]);
    const folder = new DirectiveStory();
    folder.create(storyFile([{ name: 'a' }], { workspace: { kind: 'directory', path: '/d' } }));
    const data = { directiveId: storyId, kind: 'directory' as const, path: '/d' };
    folder.workspace({ type: 'WorkspacePrepared', data });
    expect(planRollback(folder.directive, 'a')).toMatchObject({
      irreversible: [{ step: 'a', why: expect.stringContaining('no earlier state') }],
    });
  });

  it.each(['http', 'worker'])('names what an adapter "%s" had somebody else do', (kind) => {
    const { directive } = new GitStory().begin(chain);
    const a = directive.chain.get('a')!;
    const there = directive.chain.with({ ...a, spec: { ...a.spec, adapter: { kind } as never } });
    const plan = planRollback({ ...directive, chain: there }, 'a') as RollbackPlan;
    expect(plan.irreversible).toEqual([{ step: 'a', why: expect.stringContaining(kind) }]);
  });
});

describe('the advisory', () => {
  const advise = (story: GitStory, step: string, runs: Record<string, object[]> = {}) =>
    rollbackAdvisory(story.directive, story.plan(step), new Map(Object.entries(runs)) as never);

  it('says what goes back, what was done, what stays done, and how to undo it by hand', () => {
    const story = new GitStory()
      .begin([{ name: 'a' }, { name: 'b', dependsOn: ['a'], cache: false }])
      .merge('a')
      .merge('b');
    const artifacts = [{ path: 'src/x.ts', digest: 'd', bytes: 12 }];
    const run = story.ended('b', { artifacts, deleted: ['old.ts'], commit: sha('e') });
    const text = advise(story, 'b', { b: [run] });
    expect(text).toContain('# Rollback to before `b`');
    expect(text).toContain(`goes from \`${sha('b')}\` to \`${sha('a')}\``);
    expect(text).toContain(`| \`b\` | it was asked for | passed | \`${run.runId}\``);
    expect(text).toContain('`src/x.ts` (12 bytes)');
    expect(text).toContain('`old.ts`, removed');
    expect(text).toContain('- `b`: it says "cache: false"');
    const ref = `'refs/heads/writ/${storyId}'`;
    expect(text).toContain(`git -C '/r' update-ref ${ref} ${sha('a')} ${sha('b')}`);
    expect(text).toContain(`'refs/writ/rolled-back/${storyId}/by-hand' ${sha('b')}`);
  });

  it('lets no name or path out of its place', () => {
    const story = new GitStory().begin([{ name: 'a' }], { title: '# x\n<b> [l](u)' }).merge('a');
    const { directive } = story;
    const path = "/r'; rm -rf ~\n```\n# gotcha";
    const artifacts = [{ path: 'x`\n# y', digest: 'd', bytes: 1 }];
    const runs = new Map([['a', [story.ended('a', { artifacts })]]]);
    const workspace = { ...directive.workspace!, path };
    const text = rollbackAdvisory({ ...directive, workspace }, story.plan('a'), runs);
    expect(text).not.toMatch(/^# (gotcha|x|y)/m);
    expect(text.match(/^```/gm)).toHaveLength(2);
    expect(text).toContain(`git -C '/r'\\''; rm -rf ~?`);
    expect(text).toContain('\\<b\\> \\[l\\](u)');
  });

  it('without git it says so', () => {
    const story = new DirectiveStory();
    story.create(storyFile(chain));
    story.end('a');
    const plan = planRollback(story.directive, 'a') as RollbackPlan;
    const text = rollbackAdvisory(story.directive, plan, new Map());
    expect(text).toContain('It has no workspace');
    expect(text).not.toContain('update-ref');
  });
});
