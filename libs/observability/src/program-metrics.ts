/** The metrics of programs in the shape in which `@writ/programs` takes them (`ProgramCounters`). */
import type { Registry } from 'prom-client';
import { metricsOf } from './metrics';

export function programMetrics(registry: Registry) {
  const programs = metricsOf(registry, 'programs');
  return {
    started: (level: string, seconds: number) =>
      programs.sandboxSpawnSeconds.observe({ level }, seconds),
    wrote: (stream: 'stdout' | 'stderr', bytes: number) =>
      programs.programOutputBytes.inc({ stream }, bytes),
    redacted: (count: number) => programs.redactions.inc(count),
  };
}
