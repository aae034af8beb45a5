/**
 * A plan as lines of text: its steps in layers, what covers what, what is wrong, what it will take.
 * Pure. Everything that somebody wrote is made plain first.
 */
import {
  isWarning,
  plainLine,
  type Estimate,
  type Issue,
  type PlanDocument,
  type PlanStep,
} from '@writ/contracts';

import { duration, type Style, table } from './style';

/** Characters of a message: it names what helps at its end. */
const LONGEST = 500;

export function planView(plan: PlanDocument, style: Style): string[] {
  return [
    ...stepLines(plan, style),
    ...coverageLines(plan, style),
    ...issueLines(plan.issues, style),
    ...forecastLines(plan),
  ];
}

function stepLines({ steps, strategy }: PlanDocument, style: Style): string[] {
  const depth = Math.max(-1, ...steps.map(({ layer }) => layer)) + 1;
  const head = `${count(steps.length, 'step')} in ${count(depth, 'layer')}, planner ${strategy}`;
  const rows = table(
    steps.map((step) => [
      `  ${step.name}`,
      step.type,
      step.adapter.kind,
      takes(step),
      step.dependsOn.length === 0 ? '' : `after ${step.dependsOn.join(', ')}`,
    ]),
  );
  const layers = Array.from({ length: depth }, (_, layer) => [
    style.dim(`layer ${layer}`),
    ...rows.filter((_, at) => steps[at]?.layer === layer),
  ]);
  return [style.bold(head), ...layers.flat()];
}

/** What is known of a step, and from what. */
function takes({ forecast }: PlanStep): string {
  if (forecast === undefined) return '';
  const { basis, runs, durationMs, costUsd, cacheHit } = forecast;
  if (cacheHit.probability === 1) return 'in the cache';
  const share = Math.round(cacheHit.probability * 100);
  const parts = [
    ...(durationMs === null ? [] : [between(durationMs, duration)]),
    ...(costUsd === null || costUsd.p90 === 0 ? [] : [between(costUsd, money)]),
    ...(share === 0 ? [] : [`in the cache ${share} of 100 times`]),
  ];
  if (parts.length === 0) return 'nothing is known';
  const past = basis === 'step' ? `its ${count(runs, 'run')}` : `${count(runs, 'run')} like it`;
  return `${parts.join(', ')}, by ${past}`;
}

function coverageLines({ coverage, criteria }: PlanDocument, style: Style): string[] {
  const rows = [
    ...coverage.map(({ requirementId, steps }) => [`requirement ${requirementId}`, named(steps)]),
    ...criteria.map(({ criterionId, steps }) => [`criterion ${criterionId}`, named(steps)]),
  ];
  if (rows.length === 0) return [];
  return ['', style.bold('covered by'), ...table(rows).map((line) => `  ${line}`)];
}

const named = (steps: readonly string[]) => (steps.length === 0 ? 'nothing' : steps.join(', '));

function issueLines(issues: readonly Issue[], style: Style): string[] {
  if (issues.length === 0) return [];
  // What keeps it from being taken comes first.
  const sorted = [...issues].sort((a, b) => Number(isWarning(a)) - Number(isWarning(b)));
  return [
    '',
    style.bold('issues'),
    ...sorted.map((issue) => {
      const { code, message, path } = issue;
      const { place = path || 'directive' } = issue as { place?: string };
      const word = isWarning(issue) ? 'warning' : 'error';
      const shown = style.status(word === 'error' ? 'failed' : 'paused', word);
      return `  ${shown} ${place} ${code} ${plainLine(message, LONGEST)}`;
    }),
  ];
}

function forecastLines({ forecast, noForecast, steps }: PlanDocument): string[] {
  if (forecast === null) return ['', `no forecast: ${plainLine(noForecast ?? 'nothing is known')}`];
  const { durationMs, costUsd, cacheHits, unknownSteps } = forecast;
  const shown = unknownSteps.slice(0, 10).join(', ');
  const more = unknownSteps.length > 10 ? ` and ${unknownSteps.length - 10} more` : '';
  return [
    '',
    `forecast: ${between(durationMs, duration)}, ${between(costUsd, money)}, ${cacheHits} of ${count(steps.length, 'step')} from the cache`,
    ...(unknownSteps.length === 0 ? [] : [`  not counted, nothing is known of: ${shown}${more}`]),
  ];
}

/** The middle, and the tail where it is another. */
function between({ p50, p90 }: Estimate, shown: (value: number) => string): string {
  const [middle, tail] = [shown(p50), shown(p90)];
  return middle === tail ? middle : `${middle} (9 of 10 times below ${tail})`;
}

const money = (usd: number) => `$${usd.toFixed(usd !== 0 && usd < 0.01 ? 4 : 2)}`;
const count = (many: number, what: string) => `${many} ${what}${many === 1 ? '' : 's'}`;
