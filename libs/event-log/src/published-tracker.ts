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

  /** The highest position that anybody has reported. */
  get highest(): number {
    return Math.max(this.lowest, this.ranges.last);
  }

  /** A report as it was broadcast. Throws when it is not one; nothing is taken of it then. */
  report(bytes: Uint8Array): void {
    for (const [first, last] of decodeRanges(bytes)) this.published(first, last);
  }

  published(first: number, last = first): void {
    if (last <= this.lowest) return;
    const next = this.lowest + 1;
    // What moves the cursor is always taken: it makes room.
    if (first > next && this.ranges.length >= MAX_RANGES) return;
    this.ranges.add(Math.max(first, next), last);
    this.advanceTo(this.ranges.runAfter(this.lowest));
  }

  /** Somebody has written down that everything up to here has been published. */
  advanceTo(position: number): void {
    if (position <= this.lowest) return;
    this.lowest = this.ranges.runAfter(position);
    this.ranges.forget(this.lowest);
  }

  /** Forgets all that was reported: it was about another log than the one that is there. */
  startOver(position: number): void {
    this.ranges.take();
    this.lowest = position;
  }

  /** What nobody has published, up to a position. */
  missing(upTo: number): PositionRange[] {
    return this.ranges.missing(this.lowest, upTo);
  }
}
