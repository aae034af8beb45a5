import { verdictOf } from './verdict';

const fine = { broken: [], faults: { cut: 2 }, accepted: 10, completed: 9 };

it('is green when all planned faults happened and nothing was broken by them', () => {
  expect(verdictOf(fine)).toEqual({ verdict: 'green', invalid: [] });
});

it('is violated whatever else there is to say', () => {
  const found = verdictOf({ ...fine, broken: ['something'], completed: 0 });
  expect(found.verdict).toBe('violated');
  expect(found.invalid).toHaveLength(1);
});

it.each([
  ['a planned fault that never happened', { faults: { cut: 2, stall: 0 } }, /stall never happened/],
  ['work that was planned and never done', { work: { git: 0, long: 1 } }, /work git never/],
  ['fewer than nine in ten completed', { completed: 8 }, /8 of 10/],
  ['no work at all', { accepted: 0, completed: 0 }, /no directive was accepted/],
])('is invalid for %s', (_, change, words) => {
  const found = verdictOf({ ...fine, ...change });
  expect(found.verdict).toBe('invalid');
  expect(found.invalid).toEqual([expect.stringMatching(words)]);
});
