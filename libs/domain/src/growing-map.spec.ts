import * as fc from 'fast-check';
import { withEntry } from './growing-map';

const entry = fc.tuple(fc.string({ maxLength: 3 }), fc.integer());

describe('a map that grows', () => {
  it('holds what a Map holds, in the same order, and leaves every one before it as it was', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 400 }), (entries) => {
        const expected = new Map<string, number>();
        const before: [ReadonlyMap<string, number>, [string, number][]][] = [];
        let map: ReadonlyMap<string, number> = new Map();
        for (const [key, value] of entries) {
          before.push([map, [...expected]]);
          map = withEntry(map, key, value);
          expected.set(key, value);
          expect(map.get(key)).toBe(value);
        }
        const some = [...before.filter((_, at) => at % 37 === 0), [map, [...expected]] as const];
        for (const [then, held] of some) {
          expect([...then]).toEqual(held);
          expect(then.size).toBe(held.length);
          expect([...then.keys()]).toEqual(held.map(([key]) => key));
          expect([...then.values()]).toEqual(held.map(([, value]) => value));
        }
        const seen: [string, number][] = [];
        map.forEach((value, key) => seen.push([key, value]));
        expect(seen).toEqual([...expected]);
        expect(map.has('no such key')).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('costs about the same for the last entry as for the first', () => {
    const count = 100_000;
    let map: ReadonlyMap<string, number> = new Map();
    const began = process.cpuUsage();
    for (let at = 0; at < count; at += 1) map = withEntry(map, `command-${at}`, at);
    // Copied each time, these would be five thousand million entries: minutes.
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1_000).toBeLessThan(8_000);
    expect(map.size).toBe(count);
    expect(map.get('command-77777')).toBe(77_777);
  });
});
