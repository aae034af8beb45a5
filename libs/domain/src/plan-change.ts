/**
 * A chain that takes the place of another one, whole or by one step: the new steps are planned as
 * those of a new directive are, and the chain is checked as a whole. Owns what stays of the one before.
 *
 * P1 A step keeps what it made when nothing that it is or needs has changed: its own words, and the
 *    steps that it depends on, each of which is kept too.
 */
import {
  canonicalJson,
  type DirectiveEventData,
  type DirectiveFile,
  type Issue,
  type PlannedStep,
  type Refusal,
  type StepSpec,
} from '@writ/contracts';
import { isDone, type Chain } from './chain';
import { withUsualChecks } from './checks-of-step';
import type { Directive } from './directive-state';
import { IssueList } from './issue-list';
import { checkChain, replaceVariables } from './planning';

/**
 * The steps as planned for the directive as it is now, beside those that stay. `partly`: the chain is
 * not whole yet, and only the steps themselves are looked at.
 */
export function planSteps(
  { spec }: Pick<Directive, 'spec'>,
  added: readonly StepSpec[],
  arrange: (planned: readonly PlannedStep[]) => readonly PlannedStep[] = (planned) => planned,
  partly = false,
): { steps: readonly PlannedStep[] } | Refusal {
  const issues = new IssueList();
  const replaced = replaceVariables(fileOf(spec, added), issues);
  const written = replaced.chain?.steps ?? [];
  const steps = arrange(written.map((step) => withUsualChecks(step, replaced.workspace)));
  if (!partly) {
    if (steps.length === 0) issues.add('no_chain', '/chain', () => 'the chain has no step');
    if (issues.found.length === 0) checkChain(replaced, steps, issues);
  }
  return issues.found.length > 0 ? refusedPlan(issues.found) : { steps };
}

export function refusedPlan(issues: readonly Issue[]): Refusal {
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const message = (issues[0]?.message ?? '') + more;
  const unavailable = issues.some(({ code }) => code === 'not_available');
  return {
    refused: unavailable ? 'not_available' : 'invalid_directive',
    message,
    details: { issues },
  };
}

/** As a person would write it down now. */
export function fileOf(spec: Directive['spec'], steps: readonly StepSpec[]): DirectiveFile {
  const { title, goal, requirements, acceptanceCriteria, constraints, autonomy } = spec;
  const { thresholds, limits, workspace, variables, planner, approvals } = spec;
  const said = { title, goal, requirements, acceptanceCriteria, constraints, autonomy };
  const rules = { thresholds, limits, workspace, variables, planner, approvals };
  return { ...said, ...rules, chain: { steps: [...steps] } };
}

export type ChainChanges = NonNullable<DirectiveEventData<'ChainActivated'>['changes']>;

/** P1 */
export function changesOf(before: Chain, steps: readonly PlannedStep[]): ChainChanges {
  const changes: ChainChanges = { kept: [], changed: [], added: [], dropped: [] };
  const kept = keptOf(before, steps);
  for (const { name } of steps) {
    if (kept.has(name)) changes.kept.push(name);
    else if (before.get(name) === undefined) changes.added.push(name);
    else changes.changed.push(name);
  }
  const names = new Set(steps.map(({ name }) => name));
  for (const { spec } of before) if (!names.has(spec.name)) changes.dropped.push(spec.name);
  return changes;
}

function keptOf(before: Chain, steps: readonly PlannedStep[]): ReadonlySet<string> {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const isKept = new Map<string, boolean>();
  const pending = steps.map(({ name }) => name);
  // Dependencies first, without recursion: a chain of thousands must not exhaust the stack.
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (isKept.has(name)) continue;
    const step = byName.get(name);
    const old = before.get(name);
    if (step === undefined || old === undefined || !isDone(old) || !isSame(old.spec, step)) {
      isKept.set(name, false);
      continue;
    }
    const open = step.dependsOn.filter((it) => !isKept.has(it));
    if (open.length > 0) pending.push(name, ...open);
    else
      isKept.set(
        name,
        step.dependsOn.every((it) => isKept.get(it)),
      );
  }
  return new Set([...isKept].filter(([, kept]) => kept).map(([name]) => name));
}

const isSame = (one: PlannedStep, other: PlannedStep) =>
  canonicalJson(one) === canonicalJson(other);
