import { figuresOf, latencyOf, median, perSecond, quantile, summaryOf } from './measure';

const upTo = (count: number) => Array.from({ length: count }, (_, at) => count - at);

test.each([
  ['one value is every quantile', [7], 0.99, 7],
  ['of a hundred the 99th is the 99th', upTo(100), 0.99, 99],
  ['of a hundred the median is the 50th', upTo(100), 0.5, 50],
  ['all of them is the highest', upTo(3), 1, 3],
  ['of none there is none', [], 0.5, 0],
])('%s', (_, values, share, expected) => {
  expect(quantile(values, share)).toBe(expected);
});

test('values are not put in order for whoever gave them', () => {
  const values = [3, 1, 2];
  expect(median(values)).toBe(2);
  expect(values).toEqual([3, 1, 2]);
});

test('latencies are told in hundredths of a millisecond', () => {
  expect(latencyOf([1.23456, 2.5])).toEqual({ p50: 1.23, p99: 2.5, max: 2.5 });
});

test('a round is so many things in so much time', () => {
  expect(figuresOf({ count: 1_000, ms: 500, latencies: [10, 20] }, 'stepsPerSecond')).toEqual({
    seconds: 0.5,
    stepsPerSecond: 2_000,
    latencyMs: { p50: 10, p99: 20, max: 20 },
  });
  expect(perSecond(5, 0)).toBe(0);
});

test('of several rounds each figure is the median of its own', () => {
  const rounds = [
    { count: 100, ms: 100, latencies: [1, 90] },
    { count: 100, ms: 400, latencies: [2, 20] },
    { count: 100, ms: 200, latencies: [9, 30] },
  ];
  expect(summaryOf(rounds, 'eventsPerSecond')).toEqual({
    seconds: 0.2,
    eventsPerSecond: 500,
    latencyMs: { p50: 2, p99: 30, max: 30 },
  });
});

test('rounds of different length count by what was done in each', () => {
  const rounds = [
    { count: 90, ms: 100, latencies: [] },
    { count: 330, ms: 300, latencies: [] },
    { count: 200, ms: 200, latencies: [] },
  ];
  expect(summaryOf(rounds, 'eventsPerSecond')).toMatchObject({ eventsPerSecond: 1_000 });
});
