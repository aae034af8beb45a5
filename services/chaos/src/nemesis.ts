/**
 * Who does what to the stack, and when: by its seed alone. Every fourth period is without a fault, and
 * the planned faults are dealt like cards, so that each happens before one happens again.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type SeededRandom, seededRandom } from '@writ/testing';
import { type FaultName, faults } from './faults';
import type { Harness } from './harness';

const QUIET_MS = [2_000, 5_000] as const;
const BETWEEN_MS = [300, 2_000] as const;

export interface NemesisOptions {
  readonly seed: number;
  readonly planned: readonly FaultName[];
  /** Where each fault is written down. */
  readonly journal: string;
}

export class Nemesis {
  /** How often each planned fault has happened. */
  readonly happened = new Map<FaultName, number>();
  private readonly random: SeededRandom;
  private deck: (FaultName | 'quiet')[] = [];

  constructor(private readonly options: NemesisOptions) {
    this.random = seededRandom(options.seed);
    for (const name of options.planned) this.happened.set(name, 0);
  }

  /** Until the time is over; a fault that has begun is carried through. */
  async haunt(harness: Harness, untilMs: number): Promise<void> {
    while (Date.now() < untilMs) {
      const next = this.next();
      if (next === 'quiet') {
        this.note({ fault: 'quiet' });
        await delay(this.random.int(...QUIET_MS));
        continue;
      }
      const since = new Date().toISOString();
      const what = await faults[next](harness, this.random.fork());
      this.happened.set(next, this.happened.get(next)! + 1);
      this.note({ fault: next, since, what });
      await delay(this.random.int(...BETWEEN_MS));
    }
  }

  /** What comes next. */
  next(): FaultName | 'quiet' {
    if (this.deck.length === 0) {
      this.deck = this.random
        .shuffle(this.options.planned)
        .flatMap((name, index) => (index % 3 === 2 ? [name, 'quiet' as const] : [name]));
      if (this.options.planned.length < 3) this.deck.push('quiet');
    }
    return this.deck.shift()!;
  }

  private note(line: object): void {
    const at = new Date().toISOString();
    appendFileSync(this.options.journal, `${JSON.stringify({ at, ...line })}\n`);
  }
}
