/**
 * Who does what to the stack, and when: by its seed alone. Every fourth period is without a fault, some
 * have two at once, and the planned faults are dealt like cards, so that each happens before one happens
 * again.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type SeededRandom, seededRandom } from '@writ/testing';
import { type FaultName, faults, targetOf } from './faults';
import type { Harness } from './harness';

const QUIET_MS = [2_000, 5_000] as const;
const BETWEEN_MS = [300, 2_000] as const;
/** How often a fault does not come alone, where another one fits beside it. */
const TOGETHER = 0.3;

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
      if (next.length === 0) {
        this.note({ fault: 'quiet' });
        await delay(this.random.int(...QUIET_MS));
        continue;
      }
      const chances = next.map(() => this.random.fork());
      await Promise.all(next.map((name, index) => this.do(name, harness, chances[index]!)));
      await delay(this.random.int(...BETWEEN_MS));
    }
  }

  /** What comes next, at the same time; nothing in a quiet period. */
  next(): readonly FaultName[] {
    const first = this.draw();
    if (first === 'quiet') return [];
    const fits = (it: FaultName | 'quiet') => it !== 'quiet' && targetOf(it) !== targetOf(first);
    const beside = this.deck.findIndex(fits);
    if (!this.random.chance(TOGETHER) || beside < 0) return [first];
    return [first, ...(this.deck.splice(beside, 1) as FaultName[])];
  }

  private draw(): FaultName | 'quiet' {
    if (this.deck.length === 0) {
      this.deck = this.random
        .shuffle(this.options.planned)
        .flatMap((name, index) => (index % 3 === 2 ? [name, 'quiet' as const] : [name]));
      if (this.options.planned.length < 3) this.deck.push('quiet');
    }
    return this.deck.shift()!;
  }

  private async do(name: FaultName, harness: Harness, random: SeededRandom): Promise<void> {
    const since = new Date().toISOString();
    const what = await faults[name](harness, random);
    this.happened.set(name, this.happened.get(name)! + 1);
    this.note({ fault: name, since, what });
  }

  private note(line: object): void {
    const at = new Date().toISOString();
    appendFileSync(this.options.journal, `${JSON.stringify({ at, ...line })}\n`);
  }
}
