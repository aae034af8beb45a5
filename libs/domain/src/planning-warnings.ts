/**
 * What stands in a sound plan and is probably not meant so. Owns the warnings that follow from the
 * plan alone; those that need the past are in `forecast-warnings.ts`. None of them refuses anything.
 */
import {
  nearest,
  pointerOf,
  type DirectiveFile,
  type Issue,
  type PlannedStep,
} from '@writ/contracts';
import { isRequired } from './evaluation';
import { IssueList } from './issue-list';
import { layersOf } from './layout';
import { checkOutputs } from './planning-outputs';
import { longestRetryDelayMs } from './run';

/** Steps one after the other, from which on it is worth a word. */
export const DEEP = 100;
/** What a step has whose file says nothing of it: nobody has promised that it takes so long. */
const DEFAULT_TIMEOUT_MS = 1_800_000;

/** JSON pointer of a step in the file; the steps of a default chain have none of their own. */
export const stepPath = (at: number): string => `/chain/steps/${at}`;

export function planWarnings(
  directive: DirectiveFile,
  steps: readonly PlannedStep[],
  pathOf: (index: number) => string = stepPath,
): readonly Issue[] {
  const issues = new IssueList();
  checkCriteria(directive, steps, issues);
  checkThresholds(directive, issues);
  checkDepth(steps, issues);
  checkGroups(directive, steps, issues);
  checkOutputs(directive.workspace, steps, issues, pathOf);
  steps.forEach((step, at) => {
    checkTimes(directive, step, pathOf(at), issues);
    checkBudget(directive, step, pathOf(at), issues);
    checkChecks(directive, step, pathOf(at), issues);
  });
  return issues.found;
}

function checkCriteria(
  { acceptanceCriteria }: DirectiveFile,
  steps: readonly PlannedStep[],
  issues: IssueList,
): void {
  const named = new Set(steps.flatMap(criteriaOf));
  acceptanceCriteria.forEach(({ id }, at) => {
    if (named.has(id)) return;
    const message = `nothing will speak for or against criterion "${id}"; name it in the acceptanceCriteriaIds of a step or of a check`;
    issues.add('criterion_not_covered', `/acceptanceCriteria/${at}`, () => message);
  });
}

/** Those that a step names, and those that its checks do. */
export function criteriaOf({ acceptanceCriteriaIds, verify }: PlannedStep): string[] {
  const checks = Array.isArray(verify) ? verify : [];
  return [
    ...acceptanceCriteriaIds,
    ...checks.flatMap((check) => check.acceptanceCriteriaIds ?? []),
  ];
}

function checkThresholds({ thresholds }: DirectiveFile, issues: IssueList): void {
  const { green, yellow } = thresholds;
  const say = (key: string, message: string) =>
    issues.add('threshold_unreachable', `/thresholds/${key}`, () => message);
  if (green === 0) say('green', 'with green at 0 every score is green, whatever fails');
  else if (yellow === 0) say('yellow', 'with yellow at 0 no score is red; rework never begins');
  else if (yellow === green) {
    say('yellow', 'no score is yellow: it has no room between itself and green');
  }
}

function checkDepth(steps: readonly PlannedStep[], issues: IssueList): void {
  const depth = Math.max(0, ...layersOf(steps).values()) + 1;
  if (depth <= DEEP) return;
  const message = `${depth} steps wait one for the other; what does not need the step before it should not depend on it`;
  issues.add('chain_too_deep', '/chain/steps', () => message);
}

function checkGroups(
  { limits: { groups = {} } }: DirectiveFile,
  steps: readonly PlannedStep[],
  issues: IssueList,
): void {
  const known = new Set(steps.flatMap(({ group }) => group ?? []));
  for (const group of Object.keys(groups)) {
    if (known.has(group)) continue;
    const near = nearest(group, known);
    const meant = near === undefined ? '' : `; did you mean "${near}"?`;
    const message = `no step is in the group "${group}"${meant}`;
    issues.add('group_without_step', pointerOf(['limits', 'groups', group]), () => message);
  }
}

function checkBudget(
  { limits }: DirectiveFile,
  { name, budget = {} }: PlannedStep,
  path: string,
  issues: IssueList,
): void {
  const { costUsd = 0, tokens = 0 } = budget;
  const say = (key: string, amount: string, limit: string) => {
    const message = `"${name}" reserves ${amount} for an attempt, more than the ${limit} that the whole directive may spend`;
    issues.add('budget_over_limit', `${path}/budget/${key}`, () => message);
  };
  const { maxTotalCostUsd = Infinity, maxTotalTokens = Infinity } = limits;
  if (costUsd > maxTotalCostUsd) say('costUsd', `$${costUsd}`, `$${maxTotalCostUsd}`);
  if (tokens > maxTotalTokens) say('tokens', `${tokens} tokens`, `${maxTotalTokens}`);
}

function checkTimes(
  { limits }: DirectiveFile,
  { name, timeoutMs, retry }: PlannedStep,
  path: string,
  issues: IssueList,
): void {
  const wallMs = (limits.maxWallTimeMinutes ?? Infinity) * 60_000;
  if (timeoutMs > wallMs && timeoutMs !== DEFAULT_TIMEOUT_MS) {
    const message = `"${name}" may take ${timeoutMs} ms, and the whole directive is paused after ${wallMs} ms (maxWallTimeMinutes)`;
    issues.add('timeout_over_wall_time', `${path}/timeoutMs`, () => message);
  }
  let waitedMs = 0;
  for (let made = 1; made <= retry.retries; made += 1) waitedMs += longestRetryDelayMs(retry, made);
  if (waitedMs <= timeoutMs) return;
  const message = `"${name}" waits up to ${waitedMs} ms between its ${retry.retries + 1} tries, and one try takes ${timeoutMs} ms at most; fewer retries or shorter delays end sooner`;
  issues.add('retry_over_timeout', `${path}/retry`, () => message);
}

const unjudged: Readonly<Record<DirectiveFile['autonomy'], string>> = {
  full_auto: 'it passes with a mark',
  guardrails: 'a person is asked about it',
  manual: 'the person who is asked has nothing to go by',
};

function checkChecks(
  { autonomy }: DirectiveFile,
  { name, verify }: PlannedStep,
  path: string,
  issues: IssueList,
): void {
  if (verify === 'none') return;
  if (verify === undefined || verify.length === 0) {
    const message = `nothing judges the result of "${name}", so ${unjudged[autonomy]}; give it checks under "verify", or say "verify: none"`;
    issues.add('step_without_check', path, () => message);
    return;
  }
  const names = new Set<string>();
  verify.forEach((check, at) => {
    const place = `${path}/verify/${at}`;
    if (check.name !== undefined) {
      const message = `"${name}" has another check named "${check.name}"`;
      if (names.has(check.name)) issues.add('duplicate_check', `${place}/name`, () => message);
      names.add(check.name);
    }
    if (check.weight !== 0 || isRequired(check)) return;
    const message = 'it weighs nothing and need not pass, so nothing follows from it';
    issues.add('check_without_effect', `${place}/weight`, () => message);
  });
}
