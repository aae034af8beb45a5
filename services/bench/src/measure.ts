/** The arithmetic of every job: latencies of one round, and one figure out of several rounds. */

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What was done in one round: so many things in so many milliseconds. */
export interface Round {
  readonly count: number;
  readonly ms: number;
  readonly latencies: readonly number[];
}

export type Rate = 'stepsPerSecond' | 'eventsPerSecond' | 'directivesPerSecond';

export type Figures = { readonly seconds: number; readonly latencyMs: Latency } & {
  readonly [R in Rate]?: number;
};

export const rounded = (value: number): number => Math.round(value * 100) / 100;

/** The smallest value that so large a share of all does not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length))) - 1] ?? 0;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function latencyOf(values: readonly number[]): Latency {
  const at = (share: number) => rounded(quantile(values, share));
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export function perSecond(count: number, ms: number): number {
  return ms > 0 ? Math.round((count / ms) * 1000) : 0;
}

export function figuresOf({ count, ms, latencies }: Round, rate: Rate): Figures {
  return {
    seconds: rounded(ms / 1000),
    [rate]: perSecond(count, ms),
    latencyMs: latencyOf(latencies),
  };
}

/** The median of each figure by itself, as the scripts of the peers do it. */
export function summaryOf(rounds: readonly Round[], rate: Rate): Figures {
  const all = rounds.map((round) => figuresOf(round, rate));
  const medianOf = (pick: (figures: Figures) => number) => median(all.map(pick));
  return {
    seconds: medianOf(({ seconds }) => seconds),
    [rate]: medianOf((figures) => figures[rate] ?? 0),
    latencyMs: {
      p50: medianOf(({ latencyMs }) => latencyMs.p50),
      p99: medianOf(({ latencyMs }) => latencyMs.p99),
      max: medianOf(({ latencyMs }) => latencyMs.max),
    },
  };
}
