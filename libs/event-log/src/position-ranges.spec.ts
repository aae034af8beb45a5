import fc from 'fast-check';
import { decodeRanges, encodeRanges, PositionRanges } from './position-ranges';

const ranges = (...added: [number, number?][]) => {
  const set = new PositionRanges();
  for (const [first, last] of added) set.add(first, last);
  return set;
};

describe('PositionRanges', () => {
  it('merges what touches and what overlaps', () => {
    expect(ranges([1], [2], [3]).take()).toEqual([[1, 3]]);
    expect(ranges([5, 9], [1, 3], [4]).take()).toEqual([[1, 9]]);
    expect(ranges([1, 3], [7, 9], [2, 8]).take()).toEqual([[1, 9]]);
    expect(ranges([1, 3], [7, 9], [5]).take()).toEqual([
      [1, 3],
      [5, 5],
      [7, 9],
    ]);
    expect(ranges([2, 8], [3, 4], [2, 8]).take()).toEqual([[2, 8]]);
  });

  it('knows how far the run after a position goes', () => {
    const set = ranges([1, 3], [5, 9]);
    expect([0, 1, 3, 4, 7, 9, 20].map((it) => set.runAfter(it))).toEqual([3, 3, 3, 9, 9, 9, 20]);
  });

  it('knows what is missing', () => {
    const set = ranges([3, 4], [7, 7]);
    expect(set.missing(0, 9)).toEqual([
      [1, 2],
      [5, 6],
      [8, 9],
    ]);
    expect(set.missing(3, 6)).toEqual([[5, 6]]);
    expect(set.missing(2, 4)).toEqual([]);
    expect(set.missing(9, 9)).toEqual([]);
  });

  it('forgets up to a position, also within a range', () => {
    const set = ranges([1, 3], [5, 9]);
    set.forget(6);
    expect(set.take()).toEqual([[7, 9]]);
  });

  it('agrees with a plain set of numbers', () => {
    const position = fc.integer({ min: 1, max: 60 });
    const range = fc.tuple(position, fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(fc.array(range), position, fc.boolean(), (added, at, forget) => {
        const set = new PositionRanges();
        const plain = new Set<number>();
        for (const [first, more] of added) {
          set.add(first, first + more);
          for (let each = first; each <= first + more; each += 1) plain.add(each);
        }
        if (forget) {
          set.forget(at);
          for (const each of plain) if (each <= at) plain.delete(each);
        }
        const missing = set.missing(at, 70).flatMap(([first, last]) => numbers(first, last));
        expect(missing).toEqual(numbers(at + 1, 70).filter((each) => !plain.has(each)));
        const run = numbers(at + 1, 80).findIndex((each) => !plain.has(each));
        expect(set.runAfter(at)).toBe(at + run);
        const kept = set.take().flatMap(([first, last]) => numbers(first, last));
        expect(kept).toEqual([...plain].sort((a, b) => a - b));
      }),
    );
  });
});

describe('ranges on the wire', () => {
  it('arrive as they were sent', () => {
    const sent = [[1, 5] as const, [9, 9] as const];
    expect(decodeRanges(encodeRanges(sent))).toEqual(sent);
  });

  it.each(['', '{}', '[1]', '[[1]]', '[[2,1]]', '[[0,1]]', '[[1,"2"]]', '[[1,1e300]]', '[null]'])(
    'are refused when they are %j',
    (text) => {
      expect(() => decodeRanges(Buffer.from(text))).toThrow();
    },
  );
});

function numbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
