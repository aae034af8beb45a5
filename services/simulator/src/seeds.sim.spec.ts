import {
  directiveEvents,
  evaluationEvents,
  manifestEvents,
  runEvents,
  workspaceEvents,
} from '@writ/contracts';
import { simulateApart, type ManySeeds } from './simulate-apart';

const SEEDS = 300;
const AT_A_TIME = 100;
/** Many times what they take on a machine that does nothing else. */
const LIMIT_MS = 240_000;

const parts = Array.from({ length: SEEDS / AT_A_TIME }, (_, part) => part * AT_A_TIME + 1);
const found: ManySeeds[] = [];

test.each(parts.map((from) => ({ from, to: from + AT_A_TIME - 1 })))(
  'whatever goes wrong in seeds $from to $to, all comes to an end and all that has to hold does',
  async ({ from }) => {
    found.push(await simulateApart(['--from', `${from}`, '--seeds', `${AT_A_TIME}`]));
  },
  LIMIT_MS,
);

function sumOf(counts: (it: ManySeeds) => Readonly<Record<string, number>>) {
  const sums: Record<string, number> = {};
  for (const [name, count] of found.flatMap((it) => Object.entries(counts(it)))) {
    sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}

describe('for this to mean anything', () => {
  test('every kind of fault happened', () => {
    expect(found.reduce((sum, { seeds }) => sum + seeds, 0)).toBe(SEEDS);
    expect(Object.keys(sumOf(({ faults }) => faults)).sort()).toEqual([
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
  });

  test('processes died at most of the points between two calls', () => {
    const points = new Set(found.flatMap((it) => it.points));
    const crashes = new Set(found.flatMap((it) => it.crashes));
    expect(crashes.size).toBeGreaterThan(points.size * 0.6);
  });

  test('enough went well all the same, in every way', () => {
    const outcomes = sumOf((it) => it.outcomes);
    for (const what of ['DirectiveCompleted', 'DirectiveFailed', 'DirectiveStopped']) {
      expect(outcomes[what]).toBeGreaterThan(SEEDS / 10);
    }
    for (const how of ['success', 'skipped', 'cancelled', 'timeout', 'exit', 'in_doubt']) {
      expect(outcomes[`run ${how}`]).toBeGreaterThan(SEEDS / 20);
    }
    expect(outcomes['run success in git']).toBeGreaterThan(SEEDS);
    expect(outcomes['takeover']).toBeGreaterThan(SEEDS / 10);
  });

  test('every event that there is was recorded', () => {
    const types = Object.keys(sumOf((it) => it.types)).sort();
    const events = [directiveEvents, runEvents, workspaceEvents, evaluationEvents, manifestEvents];
    expect(types).toEqual(events.flatMap((it) => Object.keys(it)).sort());
  });
});
