/**
 * The door for new directives: who is refused here is told at once, before his request is read, for
 * refusing has to cost less than doing. Whether there is room, the planner says; this remembers it for
 * a moment, then opens by itself, and the next ones ask it again. How many may ask at a time is
 * halved when one of them is refused and grows with each who is not, so that no crowd storms in while
 * the first of it still waits for his answer. Nor do others come in behind one who has waited long:
 * they would wait longer than they listen.
 */
import type { RetryLater } from '@writ/contracts';
import { Problem } from './problem';

/** Room that becomes free is offered so late at most. */
const CLOSED_FOR_MS = 250;
const LONGEST_WAIT_MS = 2_000;
const MOST_INSIDE = 1_000;
const LEAST_INSIDE = 8;
/** Without a refusal for so long, as many as ever may ask. */
const FORGOTTEN_AFTER_MS = 5_000;
const RETRY_AFTER_MS = 1_000;

/** To be called when the answer was given. */
export type Leave = () => void;

export class Door {
  /** When each came in; a Set keeps the order. */
  private readonly inside = new Set<{ readonly since: number }>();
  /** How many may be inside. */
  private places = MOST_INSIDE;
  private closedAt = -Infinity;
  private closedUntil = -Infinity;
  private because: Problem | undefined;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Lets one in, or says why not. */
  enter(): Leave | Problem {
    const now = this.now();
    if (this.because !== undefined && now < this.closedUntil) return this.because;
    if (now - this.closedAt > FORGOTTEN_AFTER_MS) this.places = MOST_INSIDE;
    const [first] = this.inside;
    const longest = now - (first?.since ?? now);
    if (longest > LONGEST_WAIT_MS || this.inside.size >= this.places) {
      const details: RetryLater = { retryAfterMs: RETRY_AFTER_MS };
      const many = `${this.inside.size} new directives wait to be decided`;
      return new Problem('overloaded', `${many}, one for ${Math.round(longest)} ms`, details);
    }
    const one = { since: now };
    this.inside.add(one);
    return () => void this.inside.delete(one);
  }

  /** What the planner has just said. */
  close(because: Problem): void {
    const { retryAfterMs = CLOSED_FOR_MS } = (because.details ?? {}) as Partial<RetryLater>;
    const now = this.now();
    // Those who came in together are refused together, and count as one.
    if (now >= this.closedUntil) this.places = Math.max(LEAST_INSIDE, Math.floor(this.places / 2));
    this.because = because;
    this.closedAt = now;
    this.closedUntil = now + Math.min(CLOSED_FOR_MS, retryAfterMs);
  }

  /** The planner has let one in. */
  accepted(): void {
    this.places = Math.min(MOST_INSIDE, this.places + 2);
  }
}
