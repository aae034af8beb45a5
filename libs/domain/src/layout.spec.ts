import { seededRandom } from '@writ/testing';
import { COLUMN, layout, ROW } from './layout';

interface Node {
  name: string;
  dependsOn: string[];
}

const node = (name: string, ...dependsOn: string[]): Node => ({ name, dependsOn });

/** Pairs of lines between neighbouring columns that cross. */
function crossings(steps: readonly Node[]): number {
  const placed = layout(steps);
  const yOf = (name: string) => placed.get(name)?.position.y ?? 0;
  const lines = steps.flatMap(({ name, dependsOn }) =>
    dependsOn.map((it) => ({ from: yOf(it), to: yOf(name), layer: placed.get(name)?.layer })),
  );
  return lines.flatMap((one, at) =>
    lines
      .slice(at + 1)
      .filter((it) => it.layer === one.layer && (it.from - one.from) * (it.to - one.to) < 0),
  ).length;
}

describe('the layout of a chain', () => {
  it('puts a step one column behind the last that it waits for', () => {
    const placed = layout([node('a'), node('b', 'a'), node('c', 'a', 'b'), node('d')]);
    expect([...placed].map(([name, { layer }]) => [name, layer])).toEqual([
      ['a', 0],
      ['d', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect(placed.get('c')?.position.x).toBe(2 * COLUMN);
  });

  it('lets lines that need not cross not cross', () => {
    const ladder = [
      ...['a', 'b', 'c', 'd'].map((name) => node(name)),
      ...['d', 'c', 'b', 'a'].map((name) => node(`${name}2`, name)),
    ];
    expect(crossings(ladder)).toBe(0);
    const twoTrees = [
      ...[node('x'), node('y')],
      ...[node('y1', 'y'), node('x1', 'x'), node('y2', 'y'), node('x2', 'x')],
      ...[node('x3', 'x2'), node('y3', 'y1'), node('x4', 'x1'), node('y4', 'y2')],
    ];
    expect(crossings(twoTrees)).toBe(0);
  });

  it('draws 500 random chains without an overlap, from left to right', () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const random = seededRandom(seed);
      const steps = Array.from({ length: random.int(1, 60) }, (_, at) => {
        const wanted = Array.from({ length: random.int(0, 4) }, () => random.int(0, at));
        const dependsOn = [...new Set(wanted)].filter((it) => it < at).map((it) => `s${it}`);
        return node(`s${at}`, ...dependsOn);
      });
      const mixed = steps.filter((_, at) => at % 2 === 0).concat(steps.filter((_, at) => at % 2));
      const placed = layout(mixed);
      expect(placed.size).toBe(steps.length);
      const places = [...placed.values()].map(({ position }) => position);
      for (const [at, one] of places.entries()) {
        for (const other of places.slice(at + 1)) {
          const apart = Math.abs(one.x - other.x) >= COLUMN || Math.abs(one.y - other.y) >= ROW;
          if (!apart) throw new Error(`seed ${seed}: two boxes at ${one.x}, ${one.y}`);
        }
      }
      for (const { name, dependsOn } of mixed) {
        for (const it of dependsOn) {
          const isLeft =
            (placed.get(it)?.position.x ?? NaN) < (placed.get(name)?.position.x ?? NaN);
          if (!isLeft) throw new Error(`seed ${seed}: ${it} is not left of ${name}`);
        }
      }
    }
  });

  it('draws what has a cycle or a dependency that is not there, and two thousand steps in a moment', () => {
    const broken = layout([node('a', 'b'), node('b', 'a'), node('c', 'gone')]);
    expect(new Set([...broken.values()].map(({ position }) => JSON.stringify(position))).size).toBe(
      3,
    );
    const many = Array.from({ length: 2000 }, (_, at) =>
      node(`s${at}`, ...(at === 0 ? [] : [`s${at - 1}`, `s${at >> 1}`])),
    );
    const began = performance.now();
    expect(layout(many).get('s1999')?.layer).toBe(1999);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
