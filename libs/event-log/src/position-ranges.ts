/** A set of positions kept as ranges that neither touch nor overlap, lowest first. */

/** Both ends are included. */
export type PositionRange = readonly [first: number, last: number];

export class PositionRanges {
  private ranges: PositionRange[] = [];

  add(first: number, last = first): void {
    const at = this.firstEndingAtOrAfter(first - 1);
    let [low, high] = [first, last];
    let end = at;
    for (; end < this.ranges.length && this.ranges[end]![0] <= last + 1; end += 1) {
      low = Math.min(low, this.ranges[end]![0]);
      high = Math.max(high, this.ranges[end]![1]);
    }
    this.ranges.splice(at, end - at, [low, high]);
  }

  /** The last position of the unbroken run that begins right after `position`, or `position`. */
  runAfter(position: number): number {
    const range = this.ranges[this.firstEndingAtOrAfter(position + 1)];
    return range !== undefined && range[0] <= position + 1 ? range[1] : position;
  }

  /** What is not in the set, above `after` and up to `last`. */
  missing(after: number, last: number): PositionRange[] {
    const gaps: PositionRange[] = [];
    let next = after + 1;
    for (let at = this.firstEndingAtOrAfter(next); next <= last; at += 1) {
      const range = this.ranges[at];
      const gapEnd = Math.min(last, (range?.[0] ?? Infinity) - 1);
      if (gapEnd >= next) gaps.push([next, gapEnd]);
      if (range === undefined) break;
      next = range[1] + 1;
    }
    return gaps;
  }

  /** Removes everything up to `position`. */
  forget(position: number): void {
    const at = this.firstEndingAtOrAfter(position + 1);
    this.ranges.splice(0, at);
    const range = this.ranges[0];
    if (range !== undefined && range[0] <= position) this.ranges[0] = [position + 1, range[1]];
  }

  /** Gives everything and is empty afterwards. */
  take(): PositionRange[] {
    return this.ranges.splice(0);
  }

  /** The highest position in the set, 0 when it is empty. */
  get last(): number {
    return this.ranges.at(-1)?.[1] ?? 0;
  }

  get length(): number {
    return this.ranges.length;
  }

  private firstEndingAtOrAfter(position: number): number {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ranges[middle]![1] < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** As broadcast between processes: `[[1,5],[9,9]]`. */
export function encodeRanges(ranges: readonly PositionRange[]): Uint8Array {
  return Buffer.from(JSON.stringify(ranges));
}

/** Throws what is wrong with the bytes. */
export function decodeRanges(bytes: Uint8Array): PositionRange[] {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  if (!Array.isArray(value)) throw new Error('ranges of positions are not a list');
  return value.map((range: unknown) => {
    const [first, last] = Array.isArray(range) ? (range as unknown[]) : [];
    if (!isPosition(first) || !isPosition(last) || first > last) {
      throw new Error(`${JSON.stringify(range)} is not a range of positions`);
    }
    return [first, last];
  });
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
