import type { HistoryAnswer, PastRun, PlannedStep, StepHistory } from '@writ/contracts';
import { DirectiveFile } from '@writ/contracts';
import { forecastPlan, quantile } from './forecast';
import { Schedule } from './forecast-schedule';
import { forecastWarnings } from './forecast-warnings';

const run = (durationMs: number, more: Partial<PastRun> = {}): PastRun => ({
  ...{ durationMs, costUsd: 0, attempt: 1, hit: false },
  ...more,
});
const past = (step: string, runs: PastRun[], more: Partial<StepHistory> = {}): StepHistory => ({
  ...{ step, basis: 'step', runs, bundle: 'unknown' },
  ...more,
});
const steps = (...written: string[]) =>
  written.map((text) => {
    const [name = '', ...dependsOn] = text.split(' ');
    return { name, dependsOn };
  });
const limits = { maxParallelSteps: 4, maxReworkCycles: 3 };
const forecast = (of: ReturnType<typeof steps>, history: StepHistory[], more = {}) =>
  forecastPlan({
    steps: of,
    history: new Map(history.map((it) => [it.step, it])),
    ...{ limits: { ...limits, ...more }, seed: 7 },
  });
const many = (count: number, make: (at: number) => PastRun) =>
  Array.from({ length: count }, (_, at) => make(at));

describe('a forecast', () => {
  it('adds up what goes on one after the other, and not what goes on side by side', () => {
    const history = ['a', 'b', 'c'].map((name) => past(name, [run(1000, { costUsd: 0.5 })]));
    const row = forecast(steps('a', 'b a', 'c b'), history).plan;
    expect(row).toMatchObject({ durationMs: { p50: 3000, p90: 3000 }, costUsd: { p50: 1.5 } });
    const fan = forecast(steps('a', 'b', 'c'), history);
    expect(fan.plan).toMatchObject({ durationMs: { p50: 1000 }, costUsd: { p50: 1.5, p90: 1.5 } });
    const narrow = forecast(steps('a', 'b', 'c'), history, { maxParallelSteps: 2 });
    expect(narrow.plan?.durationMs.p50).toBe(2000);
    expect(narrow.criticalPathMs).toBe(1000);
  });

  it('lets steps that share a key go one by one, and those of a group as many as may', () => {
    const of = steps('a', 'b', 'c', 'd');
    const history = of.map(({ name }) => past(name, [run(1000)]));
    const took = (shared: object, more = {}) =>
      forecast(
        of.map((step) => ({ ...step, ...shared })),
        history,
        more,
      ).plan?.durationMs.p50;
    expect(took({})).toBe(1000);
    expect(took({ concurrencyKey: 'db' })).toBe(4000);
    expect(took({ group: 'tests' }, { groups: { tests: 2 } })).toBe(2000);
    expect(took({ group: 'others' }, { groups: { tests: 2 } })).toBe(1000);
  });

  it('tells the middle and the tail of what a step took', () => {
    const { plan, steps: told } = forecast(steps('a'), [
      past(
        'a',
        many(50, (at) => run(at + 1)),
      ),
    ]);
    expect(told.get('a')).toMatchObject({
      ...{ basis: 'step', runs: 50, durationMs: { p50: 25, p90: 45 } },
    });
    expect(plan?.durationMs.p50).toBeGreaterThan(20);
    expect(plan?.durationMs.p50).toBeLessThan(30);
    expect(plan?.durationMs.p90).toBeGreaterThan(41);
    expect(plan?.durationMs.p90).toBeLessThan(49);
  });

  it('expects as much rework as there was, up to the limit of the directive', () => {
    // Half of the runs were further attempts: one in two is sent back.
    const runs = many(50, (at) => run(100, { attempt: 1 + (at % 2), costUsd: 1 }));
    const { plan } = forecast(steps('a'), [past('a', runs)]);
    expect(plan?.costUsd.p90).toBe(4);
    const strict = forecast(steps('a'), [past('a', runs)], { maxReworkCycles: 0 });
    expect(strict.plan?.costUsd.p90).toBe(1);
  });

  it('counts what is in the cache as done, and says how it knows', () => {
    const executed = many(10, () => run(1000, { costUsd: 1 }));
    const { plan, steps: told } = forecast(steps('a', 'b', 'c'), [
      past('a', executed, { bundle: 'hit' }),
      past('b', executed, { bundle: 'miss' }),
      past('c', [...executed, ...many(30, () => run(5, { hit: true }))]),
    ]);
    expect(told.get('a')?.cacheHit).toEqual({ probability: 1, basis: 'bundle' });
    expect(told.get('b')?.cacheHit).toEqual({ probability: 0, basis: 'bundle' });
    expect(told.get('c')?.cacheHit).toEqual({ probability: 0.75, basis: 'history' });
    expect(plan).toMatchObject({ cacheHits: 2, costUsd: { p50: 1, p90: 2 } });
  });

  it('does not take hits of other steps for hits of this one', () => {
    const { steps: told } = forecast(steps('a'), [
      past('a', [run(100), run(1, { hit: true })], { basis: 'kind' }),
    ]);
    expect(told.get('a')?.cacheHit).toEqual({ probability: 0, basis: 'unknown' });
  });

  it('names the steps of which nothing is known, and is none when that is all of them', () => {
    const { plan, steps: told } = forecast(steps('a', 'b a'), [past('a', [run(100)])]);
    expect(plan).toMatchObject({ unknownSteps: ['b'], durationMs: { p50: 100 } });
    expect(told.get('b')).toMatchObject({ basis: 'unknown', durationMs: null, costUsd: null });
    expect(forecast(steps('a', 'b'), []).plan).toBeUndefined();
  });

  it('is the same for the same plan, the same past and the same seed', () => {
    const history = [
      past(
        'a',
        many(50, (at) => run(at * at)),
      ),
      past(
        'b',
        many(50, (at) => run(at)),
      ),
    ];
    const once = forecast(steps('a', 'b a'), history);
    expect(forecast(steps('a', 'b a'), history)).toEqual(once);
  });

  it('of two thousand steps is made in a moment, also where others work', () => {
    const names = Array.from({ length: 2000 }, (_, at) => `s${at}`);
    const wide = steps(...names.map((name, at) => (at < 50 ? name : `${name} s${at - 50}`)));
    const history = names.map((name) =>
      past(
        name,
        many(50, (at) => run(at)),
      ),
    );
    const began = performance.now();
    expect(forecast(wide, history).plan?.durationMs.p50).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('the schedule', () => {
  it('is never shorter than the longest way, nor than the work shared out, nor longer than all of it', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const count = 1 + (seed % 40);
      const of = Array.from({ length: count }, (_, at) => ({
        name: `s${at}`,
        dependsOn: at === 0 || (at * seed) % 3 === 0 ? [] : [`s${(at * seed) % at}`],
      }));
      const durations = Float64Array.from(of, (_, at) => (at * 7 * seed) % 13);
      const schedule = new Schedule(of);
      const parallel = 1 + (seed % 5);
      const total = durations.reduce((sum, it) => sum + it, 0);
      const took = schedule.durationOf(durations, parallel);
      expect(took).toBeGreaterThanOrEqual(schedule.criticalPathOf(durations));
      expect(took).toBeGreaterThanOrEqual(total / parallel);
      expect(took).toBeLessThanOrEqual(total);
      expect(schedule.durationOf(durations, 1)).toBe(total);
    }
  });
});

describe('what is known of the past', () => {
  const chain = (count: number) => ({
    steps: Array.from({ length: count }, (_, at) => ({
      name: `s${at}`,
      adapter: { kind: 'program', argv: ['x'] },
    })),
  });
  const warn = (more: object, history: StepHistory[], programsAtATime = 8) => {
    const file = DirectiveFile.parse({ title: 't', goal: 'g', chain: chain(3), ...more });
    const planned = file.chain?.steps as PlannedStep[];
    const answer: HistoryAnswer = { steps: history, programsAtATime };
    const made = forecast(planned, history, file.limits);
    return forecastWarnings(file, planned, answer, made).map(({ code, path }) => `${code} ${path}`);
  };
  const slow = ['s0', 's1', 's2'].map((name) => past(name, [run(90_000, { costUsd: 2 })]));

  it('speaks against a wall time and a cost limit below it', () => {
    const limits = { maxWallTimeMinutes: 1, maxTotalCostUsd: 5 };
    expect(warn({ limits }, slow)).toEqual([
      'wall_time_too_short /limits/maxWallTimeMinutes',
      'cost_over_limit /limits/maxTotalCostUsd',
    ]);
    expect(warn({ limits: { maxWallTimeMinutes: 2, maxTotalCostUsd: 6 } }, slow)).toEqual([]);
    // Side by side it would do; one after the other it does not.
    expect(warn({ limits: { maxWallTimeMinutes: 2, maxParallelSteps: 1 } }, slow)).toEqual([
      'wall_time_too_short /limits/maxWallTimeMinutes',
    ]);
  });

  it('speaks against more programs at a time than there is room for, and against what cannot run', () => {
    expect(warn({}, [], 2)).toEqual(['parallel_over_slots /limits/maxParallelSteps']);
    expect(warn({ limits: { maxParallelSteps: 2 } }, [], 2)).toEqual([]);
    const trouble = { code: 'program_not_found', message: 'there is no program "x"' };
    expect(warn({}, [past('s1', [], { trouble })])).toEqual([
      'step_cannot_run /chain/steps/1/adapter',
    ]);
  });
});

test('a quantile is the smallest value that so many are not above', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9)).toBe(9);
  expect(quantile([], 0.5)).toBe(0);
});
