// Chance and time that repeat: for tests and for the simulator.

export interface SeededRandom {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  chance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(items: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
  /** A stream of its own, so that one part's draws do not move another's. */
  fork(): SeededRandom;
}

/** mulberry32: 32 bits of state, good enough to choose journeys, never for secrets. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => {
      if (items.length === 0) throw new Error('seededRandom.pick: the list is empty');
      return items[int(0, items.length - 1)]!;
    },
    shuffle: (items) => {
      const shuffled = [...items];
      for (let last = shuffled.length - 1; last > 0; last -= 1) {
        const other = int(0, last);
        [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
      }
      return shuffled;
    },
    fork: () => seededRandom(int(0, 2 ** 32 - 1)),
  };
}

export interface ManualClock {
  now(): Date;
  /** Moves on and runs what is due, in order of time; returns when all of it has settled. */
  advance(ms: number): Promise<void>;
  /** Runs `task` when the clock has been moved that far; returns what cancels it. */
  after(ms: number, task: () => void | Promise<void>): () => void;
}

export function manualClock(start = '2026-01-01T00:00:00.000Z'): ManualClock {
  let nowMs = Date.parse(start);
  let due: Array<{ atMs: number; task: () => void | Promise<void> }> = [];
  return {
    now: () => new Date(nowMs),
    after: (ms, task) => {
      const entry = { atMs: nowMs + ms, task };
      due.push(entry);
      return () => {
        due = due.filter((other) => other !== entry);
      };
    },
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      for (;;) {
        // A stable sort: what was set first for one moment runs first.
        due.sort((a, b) => a.atMs - b.atMs);
        const first = due[0];
        if (!first || first.atMs > untilMs) break;
        due.shift();
        nowMs = first.atMs;
        await first.task();
      }
      nowMs = untilMs;
    },
  };
}
