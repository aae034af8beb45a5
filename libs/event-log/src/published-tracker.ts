/**
 * Which positions have been published, by whomever: reports of all processes merged above a cursor
 * below which everything has been. Every relay keeps one, the standing-by too.
 */
import { decodeRanges, PositionRanges, type PositionRange } from './position-ranges';

/** Far more than a second of disorder makes; what is dropped beyond it is published once more. */
const MAX_RANGES = 100_000;

export class PublishedTracker {
  private readonly ranges = new PositionRanges();
  private lowest = 0;

  /** Everything at or before it has been published. */
  get cursor(): number {
    return this.lowest;
  }

  /** A report as it was broadcast. Throws when it is not one; nothing is taken of it then. */
  report(bytes: Uint8Array): void {
    for (const [first, last] of decodeRanges(bytes)) this.published(first, last);
  }

  published(first: number, last = first): void {
    if (last <= this.lowest || this.ranges.length >= MAX_RANGES) return;
    this.ranges.add(Math.max(first, this.lowest + 1), last);
    this.advanceTo(this.ranges.runAfter(this.lowest));
  }

  /** Somebody has written down that everything up to here has been published. */
  advanceTo(position: number): void {
    if (position <= this.lowest) return;
    this.lowest = this.ranges.runAfter(position);
    this.ranges.forget(this.lowest);
  }

  /** What nobody has published, up to a position. */
  missing(upTo: number): PositionRange[] {
    return this.ranges.missing(this.lowest, upTo);
  }
}
