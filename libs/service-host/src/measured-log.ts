/** The log, with its figures: how long appends take, how they end, how far the log is. */
import { VersionConflict } from '@writ/contracts';
import type { Append, EventLog } from '@writ/event-log';
import type { MetricsOf } from '@writ/observability';

export function measuredLog(log: EventLog, metrics: MetricsOf<'log'>): EventLog {
  return {
    async append(append: Append) {
      const began = performance.now();
      const done = (result: 'recorded' | 'conflict' | 'error') =>
        metrics.appendSeconds.observe({ result }, (performance.now() - began) / 1000);
      try {
        const events = await log.append(append);
        done('recorded');
        metrics.headPosition.set(events.at(-1)?.position ?? 0);
        return events;
      } catch (error) {
        const conflict = error instanceof VersionConflict;
        if (conflict) metrics.conflicts.inc();
        done(conflict ? 'conflict' : 'error');
        throw error;
      }
    },
    readStream: (stream, asked) => log.readStream(stream, asked),
    readAll: (asked) => log.readAll(asked),
    lastEvents: (streams) => log.lastEvents(streams),
    head: () => log.head(),
    close: () => log.close(),
  };
}
