/** What every job reports, and how a latency is summed up. */
import type { Ended } from './directives';

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Measured {
  readonly seconds: number;
  readonly stepsPerSecond: number;
  readonly latencyMs: Latency;
}

const rounded = (value: number) => Math.round(value * 100) / 100;

export function latencyOf(values: readonly number[]): Latency {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    rounded(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export function measured(steps: number, ms: number, latencies: readonly number[]): Measured {
  return {
    seconds: rounded(ms / 1000),
    stepsPerSecond: Math.round((steps / ms) * 1000),
    latencyMs: latencyOf(latencies),
  };
}

/** A measurement in which something failed measures nothing. */
export function requireCompleted(ends: readonly Ended[]): void {
  const other = ends.find((end) => end.type !== 'DirectiveCompleted');
  if (other !== undefined)
    throw new Error(`a directive ended as ${other.type}; nothing is measured`);
}
