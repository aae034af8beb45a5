import { describeBroken, Sums } from './report';
import { simulate } from './simulate';

const SEEDS = 300;
const AT_A_TIME = 25;
/** Many times what they take on a machine that does nothing else. */
const LIMIT_MS = 180_000;

const sums = new Sums();

const parts = Array.from({ length: SEEDS / AT_A_TIME }, (_, part) => {
  const from = part * AT_A_TIME + 1;
  return { from, to: from + AT_A_TIME - 1 };
});

test.each(parts)(
  'whatever goes wrong in seeds $from to $to, all comes to an end and all that has to hold does',
  async ({ from, to }) => {
    for (let seed = from; seed <= to; seed += 1) {
      const verdict = await simulate({ seed });
      sums.add(verdict);
      if (verdict.broken.length > 0) throw new Error(describeBroken(verdict, true).join('\n'));
    }
  },
  LIMIT_MS,
);

test('enough went wrong, and enough went well all the same, for this to mean anything', () => {
  const { seeds, faults, outcomes } = sums;
  expect(seeds).toBe(SEEDS);
  expect(Object.keys(faults).sort()).toEqual([
    'acknowledgement lost',
    'broadcast lost',
    'call made twice',
    'clock jump',
    'crash',
    'cut',
    'database away',
    'delay',
    'delivery lost',
    'disk',
    'late',
    'lost reply',
    'message lost',
    'no reply',
    'restart',
    'send refused',
    'standstill',
    'wipe',
  ]);
  for (const what of ['DirectiveCompleted', 'DirectiveFailed', 'DirectiveStopped']) {
    expect(outcomes[what]).toBeGreaterThan(SEEDS / 10);
  }
  for (const how of ['success', 'skipped', 'cancelled', 'timeout', 'exit', 'in_doubt']) {
    expect(outcomes[`run ${how}`]).toBeGreaterThan(SEEDS / 20);
  }
  expect(outcomes['takeover']).toBeGreaterThan(SEEDS / 10);
});
