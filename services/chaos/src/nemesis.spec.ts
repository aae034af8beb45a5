import { faultNames, targetOf } from './faults';
import { Nemesis } from './nemesis';

const dealt = (seed: number, count: number) => {
  const nemesis = new Nemesis({ seed, planned: faultNames, journal: '/dev/null' });
  return Array.from({ length: count }, () => nemesis.next());
};

it('does the same with the same seed, and something else with another one', () => {
  expect(dealt(1, 40)).toEqual(dealt(1, 40));
  expect(dealt(2, 40)).not.toEqual(dealt(1, 40));
});

it('deals every planned fault before one comes again, and a quiet time after each three', () => {
  const quiet = Math.floor(faultNames.length / 3);
  const periods = dealt(3, 200);
  const round: string[] = [];
  let quietOnes = 0;
  for (let at = 0; round.length < faultNames.length; at += 1) {
    round.push(...periods[at]!);
    if (periods[at]!.length === 0) quietOnes += 1;
  }
  expect(round.sort()).toEqual([...faultNames].sort());
  expect(quietOnes).toBeGreaterThanOrEqual(quiet - 1);
});

it('does two things at once at times, never to the same', () => {
  const together = dealt(4, 200).filter((it) => it.length > 1);
  expect(together.length).toBeGreaterThan(10);
  for (const pair of together) expect(new Set(pair.map(targetOf)).size).toBe(2);
});
