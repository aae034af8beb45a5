/**
 * Planning rules: what makes a chain sound. Owns the checks across steps; the shape of one step is
 * the schema's. A chain is accepted whole or not at all.
 */
import {
  StepSpec,
  nearest,
  RUNTIME_VARIABLES,
  type DirectiveFile,
  type Issue,
  type PlannedStep,
} from '@writ/contracts';
import { replaceVariables } from './variables';

export type Plan = { directive: DirectiveFile; steps: PlannedStep[] } | { issues: Issue[] };

/** Replaces the variables of a directive with an explicit chain and checks the chain as a whole. */
export function planExplicit(written: DirectiveFile): Plan {
  const issues: Issue[] = [];
  for (const name of RUNTIME_VARIABLES) {
    if (!Object.hasOwn(written.variables, name)) continue;
    const message = `"${name}" is filled in when a step runs; choose another name`;
    issues.push({ code: 'reserved_variable', message, path: `/variables/${name}` });
  }
  const { variables, chain, ...rest } = written;
  const replaced = replaceVariables(rest, variables, '', issues);
  const steps = (chain?.steps ?? []).map((step, at) =>
    replaceInStep(step, variables, `/chain/steps/${at}`, issues),
  );
  if (steps.length === 0) {
    const message = 'the explicit planner needs a chain with at least one step';
    issues.push({ code: 'no_chain', message, path: '/chain' });
  }
  checkNames(steps, issues);
  checkDependencies(steps, issues);
  checkReferences(written, steps, issues);
  if (issues.length > 0) return { issues };
  return { directive: { ...replaced, variables, chain }, steps };
}

/** A value may lead out of the workspace although the text with the variable did not. */
function replaceInStep(
  step: StepSpec,
  variables: Readonly<Record<string, string>>,
  path: string,
  issues: Issue[],
): PlannedStep {
  const before = issues.length;
  const replaced = replaceVariables(step, variables, path, issues);
  if (issues.length > before || Object.keys(variables).length === 0) return replaced;
  const checked = StepSpec.safeParse(replaced);
  for (const issue of checked.error?.issues ?? []) {
    const where = issue.path.map((part) => `/${String(part)}`).join('');
    issues.push({ code: 'invalid_value', message: issue.message, path: path + where });
  }
  return replaced;
}

function checkNames(steps: readonly PlannedStep[], issues: Issue[]): void {
  const seen = new Map<string, number>();
  steps.forEach((step, at) => {
    const first = seen.get(step.name);
    if (first === undefined) seen.set(step.name, at);
    else {
      const message = `step ${first + 1} is named "${step.name}" too`;
      issues.push({ code: 'duplicate_step', message, path: `/chain/steps/${at}/name` });
    }
  });
}

function checkDependencies(steps: readonly PlannedStep[], issues: Issue[]): void {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const before = issues.length;
  steps.forEach((step, at) => {
    step.dependsOn.forEach((name, index) => {
      const path = `/chain/steps/${at}/dependsOn/${index}`;
      if (name === step.name) {
        const message = `step "${name}" depends on itself`;
        issues.push({ code: 'self_dependency', message, path });
      } else if (!byName.has(name)) {
        const near = nearest(name, byName.keys());
        const hint = near === undefined ? '' : `; did you mean "${near}"?`;
        const message = `step "${step.name}" depends on "${name}", which is not in the chain${hint}`;
        issues.push({ code: 'unknown_dependency', message, path });
      }
    });
  });
  if (issues.length > before) return;
  const cycle = findCycle(steps);
  if (cycle === undefined) return;
  const at = steps.findIndex((step) => step.name === cycle[0]);
  const message = `the steps wait for each other: ${cycle.join(' -> ')}`;
  issues.push({ code: 'cycle', message, path: `/chain/steps/${at}/dependsOn` });
}

/** Names of a cycle, first and last the same; undefined when there is none. */
export function findCycle(
  steps: readonly Pick<PlannedStep, 'name' | 'dependsOn'>[],
): string[] | undefined {
  const byName = new Map(steps.map((step) => [step.name, step.dependsOn]));
  const done = new Set<string>();
  for (const { name: start } of steps) {
    // Depth first without recursion: a chain of thousands must not exhaust the stack.
    const path: string[] = [];
    const onPath = new Set<string>();
    const pending: { name: string; leave: boolean }[] = [{ name: start, leave: false }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next.leave) {
        path.pop();
        onPath.delete(next.name);
        done.add(next.name);
      } else if (onPath.has(next.name)) {
        return [...path.slice(path.indexOf(next.name)), next.name];
      } else if (!done.has(next.name)) {
        path.push(next.name);
        onPath.add(next.name);
        pending.push({ name: next.name, leave: true });
        for (const name of byName.get(next.name) ?? []) pending.push({ name, leave: false });
      }
    }
  }
  return undefined;
}

function checkReferences(
  directive: DirectiveFile,
  steps: readonly PlannedStep[],
  issues: Issue[],
): void {
  const requirements = idsOf(directive.requirements, '/requirements', issues);
  const criteria = idsOf(directive.acceptanceCriteria, '/acceptanceCriteria', issues);
  const covered = new Set<string>();
  steps.forEach((step, at) => {
    const path = `/chain/steps/${at}`;
    step.requirementIds.forEach((id, index) => {
      covered.add(id);
      if (!requirements.has(id)) {
        issues.push(unknownId('requirement', id, requirements, `${path}/requirementIds/${index}`));
      }
    });
    step.acceptanceCriteriaIds.forEach((id, index) => {
      if (!criteria.has(id)) {
        const place = `${path}/acceptanceCriteriaIds/${index}`;
        issues.push(unknownId('acceptance criterion', id, criteria, place));
      }
    });
  });
  directive.requirements.forEach(({ id }, at) => {
    if (covered.has(id)) return;
    const message = `no step works on requirement "${id}"; name it in a step's requirementIds`;
    issues.push({ code: 'requirement_not_covered', message, path: `/requirements/${at}` });
  });
}

function idsOf(items: readonly { id: string }[], path: string, issues: Issue[]): Set<string> {
  const ids = new Set<string>();
  items.forEach(({ id }, at) => {
    if (ids.has(id)) {
      issues.push({
        code: 'duplicate_id',
        message: `"${id}" stands twice`,
        path: `${path}/${at}/id`,
      });
    }
    ids.add(id);
  });
  return ids;
}

function unknownId(what: string, id: string, known: Set<string>, path: string): Issue {
  const near = nearest(id, known);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  return { code: 'unknown_id', message: `there is no ${what} "${id}"${hint}`, path };
}
