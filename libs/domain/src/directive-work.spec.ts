import type { DirectiveEvent, RunWork } from '@writ/contracts';
import {
  storyFile as file,
  storyId as id,
  runningStory as running,
  DirectiveStory as Story,
} from '@writ/testing';
import { workAfter, workOf } from './directive-work';

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
