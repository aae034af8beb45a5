/**
 * What speaks against a plan once more is known than its text: how its steps went before, how much an
 * executor runs at a time, who is there to approve. Warnings only: all of it may change.
 */
import type { DirectiveFile, HistoryAnswer, Issue, PlannedStep } from '@writ/contracts';
import type { Forecast } from './forecast';
import { IssueList } from './issue-list';
import { layersOf } from './layout';
import { stepPath } from './planning-warnings';

export function forecastWarnings(
  { limits }: DirectiveFile,
  steps: readonly PlannedStep[],
  { steps: past, programsAtATime }: HistoryAnswer,
  { plan, criticalPathMs }: Forecast,
): readonly Issue[] {
  const issues = new IssueList();
  const { maxParallelSteps, maxTotalCostUsd = Infinity, maxWallTimeMinutes = Infinity } = limits;
  const wallMs = maxWallTimeMinutes * 60_000;
  const isTooLong = criticalPathMs > wallMs;
  const tookMs = isTooLong ? Math.round(criticalPathMs) : (plan?.durationMs.p50 ?? 0);
  if (tookMs > wallMs) {
    const what = isTooLong ? 'its longest way alone' : 'the whole';
    const message = `by what its steps took before, ${what} takes ${tookMs} ms, and it is paused after ${wallMs} ms`;
    issues.add('wall_time_too_short', '/limits/maxWallTimeMinutes', () => message);
  }
  const costUsd = plan?.costUsd.p50 ?? 0;
  if (costUsd > maxTotalCostUsd) {
    const message = `by what its steps cost before, it costs $${costUsd}, and $${maxTotalCostUsd} is the limit`;
    issues.add('cost_over_limit', '/limits/maxTotalCostUsd', () => message);
  }
  const programs = Math.min(maxParallelSteps, widthOf(steps));
  if (programs > programsAtATime) {
    const message = `${programs} programs may be due at a time, and an executor runs ${programsAtATime}; the others wait for it, or for another executor`;
    issues.add('parallel_over_slots', '/limits/maxParallelSteps', () => message);
  }
  const places = new Map(steps.map(({ name }, at) => [name, stepPath(at)]));
  for (const { step, trouble } of past) {
    if (trouble === undefined) continue;
    const message = `"${step}" would fail where the executor runs: ${trouble.message}`;
    issues.add('step_cannot_run', `${places.get(step) ?? '/chain'}/adapter`, () => message);
  }
  return issues.found;
}

/** The most steps with programs in one layer: about as many may be due at a time. */
function widthOf(steps: readonly PlannedStep[]): number {
  const layers = layersOf(steps);
  const counts = new Map<number, number>();
  for (const { name, adapter } of steps) {
    const layer = layers.get(name) ?? 0;
    if (adapter.kind !== 'echo') counts.set(layer, (counts.get(layer) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

/** `people`: who there is, with their roles; undefined where everybody has all of them. */
export function approverWarnings(
  { autonomy, approvals }: DirectiveFile,
  people: ReadonlyMap<string, readonly string[]> | undefined,
): readonly Issue[] {
  const issues = new IssueList();
  if (people === undefined || approvals === undefined || autonomy === 'full_auto') return [];
  const { roles, quorum, excludeRequester, onExpiry, escalateTo } = approvals;
  const holders = (wanted: readonly string[]) =>
    [...people.values()].filter((had) => had.some((role) => wanted.includes(role))).length;
  const check = (wanted: readonly string[], member: string) => {
    if (wanted.length === 0) return;
    const there = holders(wanted);
    const who = `${there === 0 ? 'nobody has' : `${there} of the people here have`} ${wanted.join(' or ')}`;
    if (there < quorum) {
      const message = `${who}, and ${quorum} must approve; WRIT_PEOPLE of the planner says who has which roles`;
      issues.add('nobody_to_approve', `/approvals/${member}`, () => message);
    } else if (excludeRequester && there === quorum) {
      const message = `${who}, and ${quorum} must approve who did not submit the directive: too few, when one of them does`;
      issues.add('nobody_to_approve', '/approvals/excludeRequester', () => message);
    }
  };
  check(roles, 'roles');
  if (onExpiry === 'escalate') check(escalateTo, 'escalateTo');
  return issues.found;
}
