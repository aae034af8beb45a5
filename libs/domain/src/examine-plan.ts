/**
 * Looks at a directive as it would be planned, without carrying anything out: its steps, what is wrong
 * with them, which of them work on which requirement, and where they are drawn. What of it needs the
 * past is added by whoever knows it, see `planDocument`.
 */
import type { DirectiveFile, Issue, PlanDocument, PlannedStep } from '@writ/contracts';
import type { Forecast } from './forecast';
import { IssueList } from './issue-list';
import { layout } from './layout';
import { planFor } from './plan-for';
import { criteriaOf, planWarnings, stepPath } from './planning-warnings';

export interface ExaminedPlan {
  readonly strategy: string;
  /** With its variables replaced, when it is sound. */
  readonly directive: DirectiveFile;
  /** As written when something is wrong with them. */
  readonly steps: readonly PlannedStep[];
  readonly issues: readonly Issue[];
  /** It could be activated. */
  readonly sound: boolean;
}

export function examinePlan(written: DirectiveFile): ExaminedPlan {
  const strategy = written.planner.kind;
  const plan = planFor(written);
  const isDefault = strategy === 'default';
  if ('issues' in plan) {
    const issues = isDefault ? plan.issues.map(ofPlanner) : plan.issues;
    const steps = written.chain?.steps ?? [];
    return { strategy, directive: written, steps, issues, sound: false };
  }
  const { directive, steps } = plan;
  const pathOf = isDefault ? () => '/planner' : stepPath;
  const issues = strategy === 'agent' ? notPlanned() : planWarnings(directive, steps, pathOf);
  return { strategy, directive, steps, issues, sound: true };
}

/** The steps of a default chain stand nowhere in the file. */
const ofPlanner = (issue: Issue): Issue =>
  issue.path.startsWith('/chain/steps') ? { ...issue, path: '/planner' } : issue;

function notPlanned(): readonly Issue[] {
  const issues = new IssueList();
  const message = 'an agent makes the plan when the directive starts; there are no steps to show';
  issues.add('not_planned', '/planner/kind', () => message);
  return issues.found;
}

export interface WhatIsKnown {
  readonly forecast?: Forecast;
  /** Why there is no forecast. */
  readonly noForecast?: string;
  /** Of what is known beyond the text of the plan. */
  readonly warnings?: readonly Issue[];
}

export function planDocument(
  { strategy, directive, steps, issues }: ExaminedPlan,
  { forecast, noForecast, warnings = [] }: WhatIsKnown,
): PlanDocument {
  const placed = layout(steps);
  const plan = forecast?.plan ?? null;
  const why = noForecast ?? 'nothing is known of any step: none like them has run here before';
  return {
    strategy,
    steps: steps.map((step) => {
      const { layer = 0, position = { x: 0, y: 0 } } = placed.get(step.name) ?? {};
      const told = forecast?.steps.get(step.name);
      return { ...step, layer, position, ...(told === undefined ? {} : { forecast: told }) };
    }),
    issues: [...issues, ...warnings],
    coverage: directive.requirements.map(({ id }) => ({
      requirementId: id,
      steps: namesOf(steps.filter((step) => step.requirementIds.includes(id))),
    })),
    criteria: directive.acceptanceCriteria.map(({ id }) => ({
      criterionId: id,
      steps: namesOf(steps.filter((step) => criteriaOf(step).includes(id))),
    })),
    forecast: plan,
    ...(plan === null ? { noForecast: why } : {}),
  };
}

const namesOf = (steps: readonly PlannedStep[]): string[] => steps.map(({ name }) => name);
