/**
 * Time as the parts of Writ need it: to measure, to write down, to be called later. Whatever waits
 * does so on a clock that it was given; in the simulator that clock is seeded.
 */

export interface Clock {
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** RFC 3339, for people and messages; never compared with another clock. */
  time(): string;
  /** Calls once after so many milliseconds; the result takes it back. */
  after(ms: number, call: () => void): () => void;
}

/** A longer time than a timer can count is as good as none. */
const LONGEST_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => performance.now(),
  time: () => new Date().toISOString(),
  after: (ms, call) => {
    if (ms <= 0) {
      const immediate = setImmediate(call);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(call, Math.min(ms, LONGEST_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after so many milliseconds. Throws the signal's reason when it aborts first. */
export async function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => (end = resolve));
  const takeBack = clock.after(ms, end);
  signal?.addEventListener('abort', end);
  try {
    await over;
  } finally {
    takeBack();
    signal?.removeEventListener('abort', end);
  }
  signal?.throwIfAborted();
}

/** Calls again and again, so many milliseconds apart, until the result is called. */
export function every(clock: Clock, ms: number, call: () => void): () => void {
  let takeBack = clock.after(ms, round);
  function round(): void {
    takeBack = clock.after(ms, round);
    call();
  }
  return () => takeBack();
}

/**
 * Waits for work, but not longer than so many milliseconds. True when it has ended by then, well or
 * not; what goes on longer is left alone.
 */
export async function endsWithin(
  ms: number,
  work: Promise<unknown>,
  clock: Clock = systemClock,
): Promise<boolean> {
  const ended = work.then(
    () => true,
    () => true,
  );
  let takeBack = (): void => undefined;
  const limit = new Promise<false>((resolve) => {
    takeBack = clock.after(ms, () => resolve(false));
  });
  try {
    return await Promise.race([ended, limit]);
  } finally {
    takeBack();
  }
}
