/**
 * What a plan will cost, how long it will take and what of it is done already, from how its steps went
 * before. Owns what an estimate rests on; the past is given, see `StepHistory` of contracts.
 *
 * F1 The plan is played many times: each step draws how it goes from its own past runs, whether it is
 *    taken from the cache and how often it is sent back with them; then the steps are laid out in time
 *    as many at a time as the directive allows. What is told are quantiles of these plays.
 * F2 The same plan and the same past give the same forecast: chance comes from a seed.
 * F3 What nothing is known of counts as nothing and is named, so that nobody takes the sum for whole.
 * F4 People are not forecast: what waits for an approval takes as long as they do.
 */
import type {
  Estimate,
  Limits,
  PastRun,
  PlanForecast,
  StepForecast,
  StepHistory,
} from '@writ/contracts';
import { Schedule, type ScheduledStep } from './forecast-schedule';

export interface ForecastQuestion {
  readonly steps: readonly ScheduledStep[];
  /** By the name of the step. */
  readonly history: ReadonlyMap<string, StepHistory>;
  readonly limits: Pick<Limits, 'maxParallelSteps' | 'maxReworkCycles' | 'groups'>;
  /** F2 */
  readonly seed: number;
}

export interface Forecast {
  /** Undefined when nothing is known of any step. */
  readonly plan: PlanForecast | undefined;
  readonly steps: ReadonlyMap<string, StepForecast>;
  /** With the middle duration of each step. */
  readonly criticalPathMs: number;
}

/**
 * Steps of all plays together, since others wait for the planner meanwhile. A chain of thousands needs
 * few plays: what its steps do by chance evens out.
 */
const PLAYED_STEPS = 100_000;
const [FEWEST_PLAYS, MOST_PLAYS] = [40, 500];

interface Model {
  readonly executed: readonly PastRun[];
  readonly hits: readonly PastRun[];
  readonly hitChance: number;
  /** Of a further attempt after one. */
  readonly reworkChance: number;
}

export function forecastPlan({ steps, history, limits, seed }: ForecastQuestion): Forecast {
  const models = steps.map(({ name }) => modelOf(history.get(name)));
  const told = new Map(steps.map(({ name }) => [name, tell(history.get(name))]));
  const schedule = new Schedule(steps, limits.groups);
  const middle = Float64Array.from(models, ({ executed, hitChance }) =>
    hitChance >= 0.5 ? 0 : quantile(executed.map(byDuration), 0.5),
  );
  const criticalPathMs = schedule.criticalPathOf(middle);
  const unknown = steps.filter((_, at) => isUnknown(models[at]));
  if (unknown.length === steps.length) return { plan: undefined, steps: told, criticalPathMs };
  const wanted = Math.floor(PLAYED_STEPS / steps.length);
  const plays = Math.min(MOST_PLAYS, Math.max(FEWEST_PLAYS, wanted));
  const random = seeded(seed);
  const durations: number[] = [];
  const costs: number[] = [];
  const took = new Float64Array(steps.length);
  for (let play = 0; play < plays; play += 1) {
    let cost = 0;
    models.forEach((model, at) => {
      const gone = playStep(model, limits.maxReworkCycles, random);
      took[at] = gone.durationMs;
      cost += gone.costUsd;
    });
    durations.push(schedule.durationOf(took, limits.maxParallelSteps));
    costs.push(cost);
  }
  const plan = {
    costUsd: cents(estimate(costs)),
    durationMs: whole(estimate(durations)),
    cacheHits: Math.round(models.reduce((sum, { hitChance }) => sum + hitChance, 0)),
    unknownSteps: unknown.map(({ name }) => name), // F3
  };
  return { plan, steps: told, criticalPathMs };
}

function modelOf(past: StepHistory | undefined): Model {
  const runs = past?.runs ?? [];
  const executed = runs.filter(({ hit }) => !hit);
  const hits = runs.filter(({ hit }) => hit);
  const again = executed.filter(({ attempt }) => attempt > 1).length;
  // Each run of a further attempt stands for one that was sent back.
  const reworkChance = executed.length === 0 ? 0 : again / executed.length;
  return { executed, hits, hitChance: hitOf(past).probability, reworkChance };
}

const isUnknown = (model: Model | undefined): boolean =>
  model === undefined || (model.executed.length === 0 && model.hitChance < 1);

/** Whether it will be taken from the cache: looked up where its input is known, else as before. */
function hitOf(past: StepHistory | undefined): StepForecast['cacheHit'] {
  if (past === undefined) return { probability: 0, basis: 'unknown' };
  if (past.bundle !== 'unknown') {
    return { probability: past.bundle === 'hit' ? 1 : 0, basis: 'bundle' };
  }
  // Steps of the same kind do other work: that they were hits says nothing of this one.
  if (past.basis !== 'step' || past.runs.length === 0) return { probability: 0, basis: 'unknown' };
  const hits = past.runs.filter(({ hit }) => hit).length;
  return { probability: hits / past.runs.length, basis: 'history' };
}

function tell(past: StepHistory | undefined): StepForecast {
  const executed = (past?.runs ?? []).filter(({ hit }) => !hit);
  const none = executed.length === 0;
  return {
    basis: past === undefined || past.runs.length === 0 ? 'unknown' : past.basis,
    runs: past?.runs.length ?? 0,
    durationMs: none ? null : whole(estimate(executed.map(byDuration))),
    costUsd: none ? null : cents(estimate(executed.map(({ costUsd }) => costUsd))),
    cacheHit: hitOf(past),
  };
}

/** F1 */
function playStep(model: Model, maxReworks: number, random: () => number): Gone {
  const { executed, hits, hitChance, reworkChance } = model;
  const isHit = random() < hitChance;
  const first = draw(isHit ? hits : executed, random);
  let { durationMs, costUsd } = first;
  if (isHit) return { durationMs, costUsd: 0 };
  for (let rework = 0; rework < maxReworks && random() < reworkChance; rework += 1) {
    const next = draw(executed, random);
    durationMs += next.durationMs;
    costUsd += next.costUsd;
  }
  return { durationMs, costUsd };
}

type Gone = Pick<PastRun, 'durationMs' | 'costUsd'>;

const nothing: Gone = { durationMs: 0, costUsd: 0 };

const draw = (runs: readonly PastRun[], random: () => number): Gone =>
  runs[Math.floor(random() * runs.length)] ?? nothing;

const byDuration = ({ durationMs }: PastRun) => durationMs;

const estimate = (values: readonly number[]): Estimate => ({
  p50: quantile(values, 0.5),
  p90: quantile(values, 0.9),
});

/** The smallest value that so large a share of all is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

const whole = ({ p50, p90 }: Estimate): Estimate => ({
  p50: Math.round(p50),
  p90: Math.round(p90),
});

/** To a ten-thousandth of a cent: sums of decimal fractions have long tails. */
const cents = ({ p50, p90 }: Estimate): Estimate => ({ p50: money(p50), p90: money(p90) });
const money = (usd: number): number => Math.round(usd * 1e6) / 1e6;

/** Mulberry32: small, even enough, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
