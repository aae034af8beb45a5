import { faultNames } from './faults';
import { Nemesis } from './nemesis';

const dealt = (seed: number, count: number) => {
  const nemesis = new Nemesis({ seed, planned: faultNames, journal: '/dev/null' });
  return Array.from({ length: count }, () => nemesis.next());
};

it('does the same with the same seed, and something else with another one', () => {
  expect(dealt(1, 40)).toEqual(dealt(1, 40));
  expect(dealt(2, 40)).not.toEqual(dealt(1, 40));
});

it('deals every planned fault before one comes again, with a quiet time in each four', () => {
  const round = faultNames.length + Math.floor(faultNames.length / 3);
  const first = dealt(3, round);
  expect(first.filter((it) => it !== 'quiet').sort()).toEqual([...faultNames].sort());
  expect(first.filter((it) => it === 'quiet')).toHaveLength(Math.floor(faultNames.length / 3));
  expect(first[3]).toBe('quiet');
});
