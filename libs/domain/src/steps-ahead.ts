/**
 * Which steps may follow a step at once, without a word of the planner between them: those that are
 * ready as soon as it, and others of them, have passed. An executor that has their results at hand
 * hands them over together, which spares a round trip for each step.
 *
 * H1 Nobody has asked for these steps yet, so nothing is done for them that could not be done in
 *    vain: only steps whose results may stand for one another (`cache`), outside of workspaces.
 */
import { canCost } from './budget';
import type { StepState } from './chain';
import type { Directive } from './directive-state';

/** At most `most` of them, in an order in which they can run. */
export function stepsAhead(
  { status, spec, chain }: Directive,
  first: StepState,
  most: number,
): readonly StepState[] {
  const quick = status === 'active' && spec.workspace.kind === 'none' && isQuick(first); // H1
  if (most === 0 || !quick) return [];
  const waitsFor = new Map<string, number>();
  const ahead = [first];
  for (const step of ahead) {
    for (const dependent of chain.dependentsOf(step.spec.name)) {
      const { name } = dependent.spec;
      const left = (waitsFor.get(name) ?? dependent.waitsFor) - 1;
      waitsFor.set(name, left);
      if (left > 0 || dependent.status !== 'pending' || !isQuick(dependent)) continue;
      ahead.push(dependent);
      if (ahead.length > most) return ahead.slice(1);
    }
  }
  return ahead.slice(1);
}

/** H1; and it shares nothing that others may hold. */
const isQuick = ({ spec, forced }: StepState): boolean =>
  !forced &&
  spec.adapter.kind !== 'human' &&
  spec.cache &&
  spec.group === undefined &&
  spec.concurrencyKey === undefined &&
  !canCost(spec);
