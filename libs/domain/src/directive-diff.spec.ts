import type { RecordedEvent } from '@writ/contracts';
import { DirectiveStory, storyFile, storyId, type StoryStep } from '@writ/testing';
import { diffDirectives, type DirectiveHistory } from './directive-diff';
import { evolveDirective } from './directive-evolution';
import { type Directive, type DirectiveState } from './directive-state';

const steps: StoryStep[] = [{ name: 'one' }, { name: 'two' }, { name: 'end', dependsOn: ['one'] }];
const story = (more: Record<string, unknown> = {}, own = steps) => {
  const made = new DirectiveStory();
  made.create(storyFile(own, more));
  return made;
};
/** The same under another name, at other times. */
function history(made: DirectiveStory, id = storyId, versions = Infinity): DirectiveHistory {
  const text = JSON.stringify(made.events.slice(0, versions)).replaceAll(storyId, id);
  const events = (JSON.parse(text) as RecordedEvent[]).map((event) => ({
    ...event,
    recordedAt: id === storyId ? event.recordedAt : event.recordedAt.replace('2026', '2027'),
  }));
  const folded = events.reduce<DirectiveState>(evolveDirective, { status: 'absent' });
  return { directive: folded as Directive, events };
}
const other = 'zzzzzzzz12345678';
const artifact = (digit: string) => ({
  path: 'out',
  digest: `sha256:${digit.repeat(64)}`,
  bytes: 1,
});

it('finds nothing between two that went alike, in whatever order their steps ended', () => {
  const [a, b] = [story(), story()];
  for (const name of ['one', 'two', 'end']) a.end(name, { durationMs: 5 });
  for (const name of ['two', 'one', 'end']) b.end(name, { durationMs: 900 });
  expect(diffDirectives(history(a), history(b, other))).toEqual({
    a: expect.objectContaining({ id: storyId, status: 'completed' }) as object,
    b: expect.objectContaining({ id: other, status: 'completed' }) as object,
    ...{ spec: [], first: null, steps: [] },
  });
});

it('names each member of what was asked for that differs, and steps by their names', () => {
  const a = story({ limits: { maxReworkCycles: 1 } });
  const b = story({ variables: { ab: 'x' } }, [
    { name: 'one', adapter: { kind: 'echo', output: 'x' } },
    ...steps.slice(1, 2),
  ]);
  const { spec } = diffDirectives(history(a), history(b, other));
  expect(spec.map(({ path }) => path).sort()).toEqual([
    ...['/limits/maxReworkCycles', '/steps/end', '/steps/one/adapter/output', '/variables/ab'],
  ]);
  expect(spec.find(({ path }) => path === '/limits/maxReworkCycles')).toMatchObject({ a: 1, b: 3 });
  expect(spec.find(({ path }) => path === '/variables/ab')).toEqual({
    path: '/variables/ab',
    b: 'x',
  });
});

it('shows the first thing that happened otherwise, on both sides, and who caused it', () => {
  const [a, b] = [story(), story()];
  a.end('two');
  a.end('one', { artifacts: [artifact('1')] });
  a.end('end');
  b.end('one', { artifacts: [artifact('2')] });
  b.end('two', {
    result: 'failed',
    error: { kind: 'exit', code: 'e', message: 'it ended with 1' },
  });
  const { first, steps: differing } = diffDirectives(history(a), history(b, other));
  expect(first).toMatchObject({
    ...{ step: 'one', alike: 1, differs: ['/run/artifacts'] },
    a: { type: 'StepPassed', text: 'step passed: "one"', actor: { id: 'test' } },
    b: { type: 'StepPassed', commandId: 'reaction' },
  });
  expect(differing.map(({ step, differs }) => [step, differs])).toEqual([
    ['one', ['artifacts']],
    ['two', ['status']],
    ['end', ['status']],
  ]);
});

it('shows what people decided otherwise', () => {
  const [a, b] = [story({ autonomy: 'manual' }), story({ autonomy: 'manual' })];
  for (const it of [a, b]) for (const name of ['one', 'two']) it.end(name);
  a.vote('one', { comment: 'fine' });
  b.vote('one', { decision: 'deny', by: { id: 'bob' }, comment: 'no' });
  const { first } = diffDirectives(history(a), history(b, other));
  expect(first).toMatchObject({
    ...{ step: 'one', alike: 2 },
    a: { text: 'approval voted: approve by alice, fine' },
    b: { text: 'approval voted: deny by bob, no' },
  });
});

it('compares two moments of one directive', () => {
  const made = story();
  made.end('one');
  const before = history(made);
  made.end('two');
  const bundles = new Map([[`${storyId}-g1-two-a1`, 'b1']]);
  const found = diffDirectives(before, history(made), bundles);
  expect(found).toMatchObject({
    spec: [],
    first: { step: 'two', alike: 1, a: null, b: { type: 'StepPassed' } },
    steps: [
      { step: 'two', differs: ['status', 'bundle'], a: { bundle: null }, b: { bundle: 'b1' } },
    ],
  });
});

it('does not hold against a fork what it took over', () => {
  const made = story();
  made.end('one');
  const before = history(made);
  const [first, ...rest] = history(story(), other).events;
  const kept = [{ step: 'one', attempt: 1, confidence: null, run: made.ended('one') }];
  const fork = { from: storyId, at: before.directive.position, kept };
  const created = { ...first!, data: { ...(first!.data as object), fork } };
  const events = [created, ...rest].filter(
    ({ data }) => (data as { step?: string }).step !== 'one',
  );
  const folded = events.reduce<DirectiveState>(evolveDirective, { status: 'absent' });
  const found = diffDirectives(before, { directive: folded as Directive, events });
  expect(found.spec.map(({ path }) => path)).toEqual(['/fork']);
  expect(found.first).not.toMatchObject({ step: 'one' });
});
