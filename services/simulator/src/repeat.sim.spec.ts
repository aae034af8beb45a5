import { simulate } from './simulate';

const LIMIT_MS = 120_000;

test(
  'a seed repeats exactly: the same journey and the same log, byte for byte',
  async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const [one, other] = [await simulate({ seed }), await simulate({ seed })];
      expect(other.journey).toEqual(one.journey);
      expect(other.digest).toBe(one.digest);
    }
  },
  LIMIT_MS,
);

test('other seeds have other journeys', async () => {
  const [one, other] = [await simulate({ seed: 1 }), await simulate({ seed: 2 })];
  expect(other.digest).not.toBe(one.digest);
});

test(
  'a planned failpoint happens where and when it is named, and the world repeats with it',
  async () => {
    const failpoint = { point: 'planner.after.append.DirectiveCreated', hit: 1, ms: 0 };
    const failpoints = [{ ...failpoint, action: 'crash' as const }];
    const [one, other] = [
      await simulate({ seed: 3, failpoints }),
      await simulate({ seed: 3, failpoints }),
    ];
    expect(one.journey.join('\n')).toContain('crashes at planner.after.append.DirectiveCreated');
    expect(one.broken).toEqual([]);
    expect(other.digest).toBe(one.digest);
  },
  LIMIT_MS,
);
