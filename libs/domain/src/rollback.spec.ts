import type { RunWork } from '@writ/contracts';
import { storyFile as file, storyId as id, DirectiveStory as Story } from '@writ/testing';
import type { DirectiveOrder } from './directive-command';
import { workOf } from './directive-work';

let count = 0;
const tell = (story: Story, order: object) =>
  story.typesWhen({ commandId: `o-${(count += 1)}`, ...order } as DirectiveOrder);
const steps = [{ name: 'a' }, { name: 'b', dependsOn: ['a'] }, { name: 'c', dependsOn: ['b'] }];

/** One that has merged a and b, and runs c. */
function merged(): Story {
  const story = new Story();
  story.create(file(steps, { workspace: { kind: 'git', repository: '/r' } }));
  const prepared = {
    directiveId: id,
    kind: 'git',
    path: '/r',
    branch: 'w',
    baseCommit: 'c0',
  } as const;
  story.workspace({ type: 'WorkspacePrepared', data: prepared });
  for (const step of ['a', 'b']) {
    story.end(step, { commit: `run-${step}` });
    const runId = story.runIdOf(step);
    const data = { directiveId: id, runId, step, commit: `head-${step}` };
    story.workspace({ type: 'StepMerged', data });
  }
  return story;
}
function paused(): Story {
  const story = merged();
  tell(story, { type: 'pause', mode: 'cut' });
  story.end('c', { result: 'cancelled' });
  return story;
}
const idOf = (story: Story) => story.directive.rollback?.rollbackId ?? '';

describe('a rollback', () => {
  it('takes the branch back first, and its steps when that is done', () => {
    const story = paused();
    expect(tell(story, { type: 'rollback', step: 'b', reason: 'wrong' })).toEqual([
      'RollbackStarted',
    ]);
    const [work] = workOf(story.directive);
    expect(work).toMatchObject({
      ...{ id: idOf(story), subject: 'writ.work.workspace', stream: `workspace-${id}` },
      data: { op: 'rollback', repository: '/r', branch: 'w', to: 'head-a', expected: 'head-b' },
    });
    expect([story.statusOf('a'), story.statusOf('b')]).toEqual(['passed', 'passed']);
    const done = { directiveId: id, rollbackId: idOf(story), from: 'head-b', to: 'head-a' };
    const event = { type: 'WorkspaceRolledBack', data: { ...done, kept: 'refs/x' } } as const;
    expect(story.workspace(event)).toEqual(['RolledBack', 'StepReopened']);
    expect(story.workspace(event)).toEqual([]);
    expect(story.directive).toMatchObject({
      status: 'paused',
      commit: 'head-a',
      workspaceNoted: 4,
    });
    expect(story.directive.merged).toEqual([{ step: 'a', commit: 'head-a' }]);
    expect(tell(story, { type: 'resume' })).toEqual(['DirectiveResumed', 'StepStarted']);
    expect(story.runIdOf('b')).toBe(`${id}-g1-b-a2`);
  });

  it('runs the step anew, whatever is on record of a run like it', () => {
    const story = paused();
    tell(story, { type: 'rollback', step: 'b' });
    const data = { directiveId: id, rollbackId: idOf(story), from: 'head-b', to: 'head-a' };
    story.workspace({ type: 'WorkspaceRolledBack', data });
    tell(story, { type: 'resume' });
    const [work] = workOf(story.directive);
    expect((work?.data as RunWork).cache).toBe(false);
  });

  it('that git refuses changes nothing, and can be tried again', () => {
    const story = paused();
    tell(story, { type: 'rollback', step: 'b' });
    expect(tell(story, { type: 'resume' })).toEqual(['CommandRefused']);
    const data = {
      directiveId: id,
      rollbackId: idOf(story),
      code: 'branch_moved',
      message: 'it is',
    };
    expect(story.workspace({ type: 'WorkspaceRollbackRefused', data })).toEqual([
      'RollbackRefused',
    ]);
    expect(story.directive).toMatchObject({ commit: 'head-b', rollback: null });
    expect(tell(story, { type: 'rollback', step: 'a' })).toEqual(['RollbackStarted']);
  });

  it('waits for nobody who works: while something runs it is refused', () => {
    const story = merged();
    tell(story, { type: 'pause' });
    expect(tell(story, { type: 'rollback', step: 'b' })).toEqual(['CommandRefused']);
    expect(story.events.at(-1)?.data).toMatchObject({
      message: expect.stringContaining('--cut') as string,
    });
  });

  it('without a branch reopens the steps at once', () => {
    const story = new Story();
    story.create(file(steps));
    story.end('a');
    story.end('b');
    tell(story, { type: 'pause', mode: 'cut' });
    story.end('c', { result: 'cancelled' });
    expect(tell(story, { type: 'rollback', step: 'a' })).toEqual([
      ...['RolledBack', 'StepReopened', 'StepReopened'],
    ]);
    expect(['a', 'b', 'c'].map((name) => story.statusOf(name))).toEqual([
      'stale',
      'stale',
      'pending',
    ]);
  });
});
