import { pause, systemClock } from '@writ/contracts';
import { simulate } from './simulate';
import { simulateApart } from './simulate-apart';

const LIMIT_MS = 120_000;

test(
  'seeds repeat exactly, the same journeys and the same logs, in whatever place and tongue',
  async () => {
    const seeds = ['--seeds', '12'];
    const [one, other] = await Promise.all([
      simulateApart(seeds, { TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8' }),
      simulateApart(seeds, { TZ: 'UTC', LANG: 'C' }),
    ]);
    expect(other.digest).toBe(one.digest);
    expect((await simulateApart(['--seeds', '1', '--from', '2'])).digest).not.toBe(one.digest);
  },
  LIMIT_MS,
);

/** Who of ours called the system's own functions while something ran, by the line that did. */
async function askedOfTheSystem(work: () => Promise<unknown>): Promise<string[]> {
  const asked = new Set<string>();
  const isOurs = (line: string) => /\/(libs|services)\//.test(line) && !line.includes('.spec.');
  const watched: [object, string][] = [
    [Date, 'now'],
    [performance, 'now'],
    [Math, 'random'],
    [globalThis, 'setTimeout'],
    [globalThis, 'setInterval'],
  ];
  const restore = watched.map(([target, name]) => {
    const own = target as Record<string, (...given: unknown[]) => unknown>;
    const original = own[name]!;
    own[name] = (...given) => {
      const line = new Error().stack?.split('\n').find(isOurs);
      if (line !== undefined) asked.add(line.trim());
      return original.apply(target, given);
    };
    return () => (own[name] = original);
  });
  await work();
  for (const undo of restore) undo();
  return [...asked];
}

test(
  'nothing in a simulated world asks the system for time or chance',
  async () => {
    const asked = await askedOfTheSystem(async () => {
      for (let seed = 1; seed <= 4; seed += 1) await simulate({ seed });
    });
    expect(asked).toEqual([]);
    // It would be seen.
    expect(await askedOfTheSystem(() => pause(systemClock, 1))).toHaveLength(1);
  },
  LIMIT_MS,
);

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
