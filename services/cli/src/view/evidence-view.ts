/** From requirement to step to criterion to evidence, as a table: a line for each check. */
import { type DirectiveDocument, plainLine, type StepDocument } from '@writ/contracts';

import { table } from './style';

const HEAD = ['requirement', 'step', 'status', 'check', 'outcome', 'criteria'];
const LONGEST = 60;

/** Empty when there is neither a requirement nor a check. */
export function evidenceTable({ requirements = [], steps }: DirectiveDocument): string[] {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const rows = requirements.flatMap(({ id, steps: working }) => {
    const of = working.flatMap(({ name }) => byName.get(name) ?? []);
    return of.length === 0
      ? [[id, '-', 'no step', '', '', '']]
      : of.flatMap((it) => rowsOf(id, it));
  });
  const named = new Set(requirements.flatMap((it) => it.steps.map(({ name }) => name)));
  const others = steps.filter(({ name, evidence }) => !named.has(name) && evidence?.length);
  rows.push(...others.flatMap((step) => rowsOf('-', step)));
  return rows.length === 0 ? [] : table([HEAD, ...sparse(rows)]);
}

function rowsOf(requirement: string, { name, status, evidence = [] }: StepDocument): string[][] {
  const head = [requirement, name, status.replaceAll('_', ' ')];
  if (evidence.length === 0) return [[...head, '-', '', '']];
  return evidence.map(({ check, outcome, criteria }) => [
    ...head,
    plainLine(check, LONGEST),
    outcome === 'error' ? 'could not run' : outcome,
    criteria.join(', '),
  ]);
}

/** What stands above is not said again. */
function sparse(rows: readonly string[][]): string[][] {
  return rows.map((row, at) => {
    const above = rows[at - 1]?.slice(0, 3).join(' ');
    return above === row.slice(0, 3).join(' ') ? ['', '', '', ...row.slice(3)] : row;
  });
}
