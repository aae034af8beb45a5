import type { HistoryLine } from './client';
import { accepted, boundsOf } from './check-history';

const line = (
  op: HistoryLine['op'],
  key: string,
  more: Partial<HistoryLine> = {},
): HistoryLine => ({
  ...{ op, key, at: '', verb: 'create', title: 'one' },
  ...more,
});

it('counts a key once, however often it was asked', () => {
  const history = [line('invoke', 'k'), line('info', 'k'), line('invoke', 'k'), line('ok', 'k')];
  expect([...boundsOf(history)]).toEqual([['DirectiveCreated of one', { least: 1, most: 1 }]]);
});

it('lets what nobody answered be there or not, and what was refused not', () => {
  const open = [line('invoke', 'k'), line('info', 'k')];
  expect([...boundsOf(open).values()]).toEqual([{ least: 0, most: 1 }]);
  expect([...boundsOf([...open, line('fail', 'k')]).values()]).toEqual([{ least: 0, most: 0 }]);
});

it('adds up the commands about one directive by what they ask for', () => {
  const about = { verb: 'pause' as const, title: undefined, directiveId: 'x' };
  const history = [line('ok', 'a', about), line('ok', 'b', about), line('fail', 'c', about)];
  expect([...boundsOf(history)]).toEqual([['DirectivePaused of x', { least: 2, most: 2 }]]);
  expect(accepted([line('ok', 'k', { directiveId: 'x' }), ...history])).toEqual(new Set(['x']));
});
