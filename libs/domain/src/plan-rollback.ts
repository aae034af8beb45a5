/**
 * Which steps go back when a directive goes back to before one of them, and to which commit. Decides
 * nothing and changes nothing: that is the directive's.
 *
 * B1 What needs a step that goes back goes back too.
 * B2 A branch is one line of merges: whatever was merged after the first that goes back goes too, and
 *    what needs that. A step that was merged more than once goes back to before its first.
 * B3 A step that is under way may have begun from files that go back, and its result would bring them
 *    back: an executor takes the head of the branch when it begins, which no event tells.
 */
import type { Refusal, RollbackPlan, RollbackStep } from '@writ/contracts';
import type { Chain, StepState } from './chain';
import type { Directive } from './directive-state';
import type { Merge } from './rollback';

export type RolledBack = Pick<Directive, 'spec' | 'chain' | 'workspace'>;

/** `merged`: what the branch is made of, in its order, steps of earlier chains too. */
export function planRollback(
  directive: RolledBack,
  name: string,
  merged: readonly Merge[] = mergedIn(directive.chain),
): RollbackPlan | Refusal {
  const { chain, spec } = directive;
  const asked = chain.get(name);
  if (asked === undefined) {
    return { refused: 'not_found', message: `the chain has no step "${name}"` };
  }
  if (asked.attempt === 0) {
    const message = `step ${name} has not begun (${asked.status}); there is nothing to roll back`;
    return { refused: 'illegal_transition', message };
  }
  const found = new Map<string, RollbackStep>();
  take(chain, found, asked, 'asked', null);
  const isGit = spec.workspace.kind === 'git';
  const first = isGit ? merged.findIndex(({ step }) => found.has(step)) : -1;
  if (first >= 0) {
    const through = merged[first]?.step ?? name;
    for (const { step } of merged.slice(first)) {
      const after = chain.get(step);
      if (after !== undefined) take(chain, found, after, 'merged_after', through); // B2
    }
    for (const step of chain) {
      if (UNDER_WAY.includes(step.status)) take(chain, found, step, 'begun_on_it', through); // B3
    }
  }
  const base = directive.workspace?.baseCommit ?? null;
  const from = isGit ? (merged.at(-1)?.commit ?? base) : null;
  const to = first < 0 ? from : (merged[first - 1]?.commit ?? base);
  const steps = [...chain].flatMap(({ spec: it }) => found.get(it.name) ?? []);
  return { step: name, steps, from, to, irreversible: irreversibleOf(directive, steps) };
}

const UNDER_WAY: readonly string[] = [
  ...['running', 'evaluating', 'merging', 'awaiting_approval', 'rework'],
];

/** B1: the step and all that needs it, unless they go back already. */
function take(
  chain: Chain,
  found: Map<string, RollbackStep>,
  step: StepState,
  because: RollbackStep['because'],
  through: string | null,
): void {
  const waiting: [StepState, RollbackStep['because'], string | null][] = [[step, because, through]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [{ spec, status, runId, commit }, why, by] = next;
    if (found.has(spec.name)) continue;
    found.set(spec.name, { step: spec.name, status, because: why, through: by, runId, commit });
    for (const dependent of chain.dependentsOf(spec.name)) {
      waiting.push([dependent, 'depends_on', spec.name]);
    }
  }
}

/**
 * By when they passed; a step passes with its merge. It knows nothing of merges that no step stands on
 * any more: who has the events of the workspace knows better.
 */
export function mergedIn(chain: Iterable<StepState>): Merge[] {
  return [...chain]
    .filter(({ commit, completedAt }) => commit !== null && completedAt !== null)
    .sort((a, b) => (String(a.completedAt) < String(b.completedAt) ? -1 : 1))
    .map(({ spec, commit }) => ({ step: spec.name, commit: commit ?? '' }));
}

/** Adapters whose work is done by somebody else. */
const OUTSIDE: readonly string[] = ['http', 'worker'];

function irreversibleOf(
  { chain, spec }: RolledBack,
  steps: readonly RollbackStep[],
): RollbackPlan['irreversible'] {
  return steps.flatMap(({ step: name }) => {
    const step = chain.get(name);
    if (step === undefined || step.attempt === 0) return [];
    const { adapter, cache } = step.spec;
    const why = [
      ...(cache ? [] : ['it says "cache: false": it has effects outside of its workspace']),
      ...(OUTSIDE.includes(adapter.kind)
        ? [`its adapter "${adapter.kind}" had somebody else do it`]
        : []),
      ...(spec.workspace.kind === 'directory'
        ? ['it worked in a folder of which no earlier state is kept']
        : []),
    ];
    return why.map((it) => ({ step: name, why: it }));
  });
}
