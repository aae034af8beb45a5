/** The metrics of appends, measured around them: what a caller waits for, and how it ends. */
import { VersionConflict } from '@writ/contracts';
import type { Registry } from 'prom-client';
import { metricsOf } from './metrics';

/** Stands around every append to the log; gives what the append gives and throws what it throws. */
export type MeasureAppend = <T extends { readonly position: number }>(
  append: () => Promise<T[]>,
) => Promise<T[]>;

export interface LogMetrics {
  readonly measure: MeasureAppend;
  /** After each commit, with how many appends shared it. */
  readonly committed: (appends: number) => void;
}

export function logMetrics(registry: Registry): LogMetrics {
  const { appendSeconds, conflicts, headPosition, groupSize } = metricsOf(registry, 'log');
  let head = 0;
  const measure: MeasureAppend = async (append) => {
    const start = performance.now();
    let result: 'recorded' | 'conflict' | 'error' = 'recorded';
    try {
      const events = await append();
      head = Math.max(head, events.at(-1)?.position ?? 0);
      headPosition.set(head);
      return events;
    } catch (error) {
      result = error instanceof VersionConflict ? 'conflict' : 'error';
      if (result === 'conflict') conflicts.inc();
      throw error;
    } finally {
      appendSeconds.observe({ result }, (performance.now() - start) / 1000);
    }
  };
  return { measure, committed: (appends) => groupSize.observe(appends) };
}
