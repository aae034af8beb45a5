import { grown, type Holdings } from './holdings';

const holdings = (counts: Record<string, number>, names: string[] = []): Holdings => ({
  counts: new Map(Object.entries(counts)),
  names: new Set(names),
});

it('lets pools keep some of what a storm made them open, and no more', () => {
  const before = holdings({ 'socket of planner': 12, 'files of planner': 20 });
  expect(grown(before, holdings({ 'socket of planner': 22, 'files of planner': 24 }))).toEqual([]);
  expect(grown(before, holdings({ 'socket of planner': 23, 'files of planner': 25 }))).toEqual([
    'socket of planner: 12 before, 23 after',
    'files of planner: 20 before, 25 after',
  ]);
});

it('finds each file that is left', () => {
  const [before, after] = [1, 2].map((it) => holdings({ 'entries of data/executor/runs': it }));
  expect(grown(before!, after!)).toHaveLength(1);
  expect(grown(holdings({}), before!)).toHaveLength(1);
});

it('wants the same streams and consumers, no more and no fewer', () => {
  const found = grown(
    holdings({}, ['stream A', 'stream B']),
    holdings({}, ['stream A', 'stream C']),
  );
  expect(found).toEqual(['stream C was not there before', 'stream B is there no more']);
});
