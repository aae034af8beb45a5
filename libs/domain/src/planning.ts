/**
 * Planning rules: what makes a chain sound. Owns the checks across steps; the shape of one step is
 * the schema's. A chain is accepted whole or not at all.
 */
import {
  checkDirectiveFile,
  nearest,
  RUNTIME_VARIABLES,
  type DirectiveFile,
  type Issue,
  type IssueCode,
  type PlannedStep,
} from '@writ/contracts';
import { checkChecks, checksOf, withUsualChecks } from './checks-of-step';
import { IssueList } from './issue-list';
import { checkPeople } from './planning-people';
import { VariableReplacer } from './variables';

export type Plan =
  { directive: DirectiveFile; steps: readonly PlannedStep[] } | { issues: readonly Issue[] };

/** Replaces the variables of a directive with an explicit chain and checks the chain as a whole. */
export function planExplicit(written: DirectiveFile): Plan {
  const issues = new IssueList();
  for (const name of RUNTIME_VARIABLES) {
    if (!Object.hasOwn(written.variables, name)) continue;
    const message = `"${name}" is filled in when a step runs; choose another name`;
    issues.add('reserved_variable', `/variables/${name}`, () => message);
  }
  const directive = replaceVariables(written, issues);
  const steps = directive.chain?.steps ?? [];
  if (steps.length === 0) {
    const message = 'the explicit planner needs a chain with at least one step';
    issues.add('no_chain', '/chain', () => message);
  }
  checkChain(directive, steps, issues);
  if (issues.found.length > 0) return { issues: issues.found };
  return { directive, steps: steps.map((step) => withUsualChecks(step, directive.workspace)) };
}

/** Everything that holds across the steps of a chain. */
export function checkChain(
  directive: DirectiveFile,
  steps: readonly PlannedStep[],
  issues: IssueList,
): void {
  checkNames(steps, issues);
  checkInputs(steps, issues);
  checkDependencies(steps, issues);
  checkReferences(directive, steps, issues);
  checkChecks(directive, steps, issues);
  checkPeople(steps, issues);
}

/** A value may break a rule that the text with the variable kept, or lead out of the workspace. */
export function replaceVariables(written: DirectiveFile, issues: IssueList): DirectiveFile {
  const { variables, ...rest } = written;
  const before = issues.found.length;
  const replaced = new VariableReplacer(variables, issues).replace(rest);
  if (replaced === rest || issues.found.length > before) return written;
  const checked = checkDirectiveFile({ ...replaced, variables });
  if ('directive' in checked) return checked.directive;
  for (const { code, message, path } of checked.issues) {
    issues.add(code as IssueCode, path, () => message);
  }
  return written;
}

function checkNames(steps: readonly PlannedStep[], issues: IssueList): void {
  const seen = new Map<string, number>();
  steps.forEach((step, at) => {
    const first = seen.get(step.name);
    if (first === undefined) seen.set(step.name, at);
    else {
      const message = `step ${first + 1} is named "${step.name}" too`;
      issues.add('duplicate_step', `/chain/steps/${at}/name`, () => message);
    }
  });
}

/** Two files cannot lie at one place; nor can one lie in another. */
function checkInputs(steps: readonly PlannedStep[], issues: IssueList): void {
  steps.forEach(({ inputs }, at) => {
    const names = new Map(inputs.map(({ name }, index) => [placeOf(name), index]));
    inputs.forEach(({ name }, index) => {
      const path = `/chain/steps/${at}/inputs/${index}`;
      const place = placeOf(name);
      if (names.get(place) !== index) {
        issues.add('duplicate_input', path, () => `"${name}" is among the inputs twice`);
      }
      const folders = place.split('/').slice(0, -1);
      const file = folders.map((_, depth) => folders.slice(0, depth + 1).join('/'));
      const inside = file.find((folder) => names.has(folder));
      if (inside === undefined) return;
      issues.add('duplicate_input', path, () => `"${inside}" is an input, so "${name}" cannot be`);
    });
  });
}

const placeOf = (path: string) =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

function checkDependencies(steps: readonly PlannedStep[], issues: IssueList): void {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const before = issues.found.length;
  steps.forEach((step, at) => {
    step.dependsOn.forEach((name, index) => {
      const path = `/chain/steps/${at}/dependsOn/${index}`;
      if (name === step.name) {
        const message = `step "${name}" depends on itself`;
        issues.add('self_dependency', path, () => message);
      } else if (!byName.has(name)) {
        const unknown = () => `step "${step.name}" depends on "${name}", which is not in the chain`;
        issues.add('unknown_dependency', path, () => unknown() + meant(name, byName.keys()));
      }
    });
  });
  if (issues.found.length > before) return;
  const cycle = findCycle(steps);
  if (cycle === undefined) return;
  const at = steps.findIndex((step) => step.name === cycle[0]);
  const shown = cycle.length > 20 ? [...cycle.slice(0, 10), '...', ...cycle.slice(-5)] : cycle;
  const message = `the steps wait for each other: ${shown.join(' -> ')}`;
  issues.add('cycle', `/chain/steps/${at}/dependsOn`, () => message);
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
  issues: IssueList,
): void {
  const requirements = idsOf(directive.requirements, '/requirements', issues);
  const criteria = idsOf(directive.acceptanceCriteria, '/acceptanceCriteria', issues);
  const covered = new Set<string>();
  const check = (what: string, id: string, known: ReadonlySet<string>, path: string) => {
    if (known.has(id)) return;
    issues.add('unknown_id', path, () => `there is no ${what} "${id}"${meant(id, known)}`);
  };
  steps.forEach((step, at) => {
    const path = `/chain/steps/${at}`;
    step.requirementIds.forEach((id, index) => {
      covered.add(id);
      check('requirement', id, requirements, `${path}/requirementIds/${index}`);
    });
    step.acceptanceCriteriaIds.forEach((id, index) => {
      check('acceptance criterion', id, criteria, `${path}/acceptanceCriteriaIds/${index}`);
    });
    checksOf(step).forEach(({ acceptanceCriteriaIds = [] }, place) => {
      acceptanceCriteriaIds.forEach((id, index) => {
        const at = `${path}/verify/${place}/acceptanceCriteriaIds/${index}`;
        check('acceptance criterion', id, criteria, at);
      });
    });
  });
  directive.requirements.forEach(({ id }, at) => {
    if (covered.has(id)) return;
    const message = `no step works on requirement "${id}"; name it in a step's requirementIds`;
    issues.add('requirement_not_covered', `/requirements/${at}`, () => message);
  });
}

function idsOf(
  items: readonly { id: string }[],
  path: string,
  issues: IssueList,
): ReadonlySet<string> {
  const ids = new Set<string>();
  items.forEach(({ id }, at) => {
    if (ids.has(id)) issues.add('duplicate_id', `${path}/${at}/id`, () => `"${id}" stands twice`);
    ids.add(id);
  });
  return ids;
}

function meant(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `; did you mean "${near}"?`;
}
