import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  /** What is awaited, as it completes "gave up waiting for ...". */
  what: string;
  timeoutMs?: number;
  /** Milliseconds between two looks. */
  every?: number;
}

/**
 * Looks until `check` returns something truthy, or nothing at all, without throwing, and returns
 * that. A check of `expect(...)` lines works as well as one that returns what it looked for.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { what, timeoutMs = 10_000, every = 20 }: EventuallyOptions,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last = 'nothing';
  let cause: unknown;
  while (Date.now() <= deadline) {
    try {
      const value = await within(deadline, check);
      if (value === undefined || value) return value;
      [last, cause] = [`it was ${String(value)}`, undefined];
    } catch (error) {
      [last, cause] = [error instanceof Error ? error.message : String(error), error];
    }
    await delay(every);
  }
  throw new Error(`gave up waiting for ${what} after ${timeoutMs} ms; last: ${last}`, { cause });
}

async function within<T>(deadline: number, check: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => reject(new Error('a look that did not end'));
    timer = setTimeout(giveUp, Math.max(deadline - Date.now(), 0) + 1);
  });
  try {
    return await Promise.race([check(), limit]);
  } finally {
    clearTimeout(timer);
  }
}
