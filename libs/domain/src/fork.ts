/**
 * Another directive that begins where one stood. Owns what it takes over: the words, save those that
 * are to be others, and the steps that had passed and are the same in its chain, with what they made.
 */
import {
  isRefusal,
  type DirectiveCommandData,
  type DirectiveEventData,
  type DirectiveFile,
  type PlannedStep,
  type Refusal,
} from '@writ/contracts';
import type { Chain, StepState } from './chain';
import type { Directive } from './directive-state';
import { changesOf, fileOf, planSteps } from './plan-change';

export type Fork = NonNullable<DirectiveEventData<'DirectiveCreated'>['fork']>;

export interface Forked {
  readonly directive: DirectiveFile;
  readonly steps: readonly PlannedStep[];
  readonly fork: Fork;
}

/** `before` as it stood at the position `at`. */
export function forkOf(
  before: Directive,
  at: number,
  { changes = {}, chain }: Pick<DirectiveCommandData<'fork'>, 'changes' | 'chain'>,
): Forked | Refusal {
  const { limits, ...others } = changes;
  const { steps: _, fork: __, contentDigest: ___, ...written } = before.spec;
  const spec = {
    ...before.spec,
    ...others,
    limits: { ...written.limits, ...limits },
    workspace: workspaceAt(before),
    planner: { ...written.planner, kind: 'explicit' as const },
  };
  const present = [...before.chain].map((step) => step.spec);
  const known = present.length > 0 ? present : (before.plan ?? []);
  const plan =
    chain === undefined ? planSteps({ spec }, [], () => known) : planSteps({ spec }, chain.steps);
  if (isRefusal(plan)) return plan;
  const { kept } = changesOf(before.chain, plan.steps);
  const states = kept.flatMap((name) => before.chain.get(name) ?? []);
  const directive = fileOf(spec, []);
  return {
    directive: { ...directive, chain: undefined },
    steps: plan.steps,
    fork: { from: before.id, at, kept: states.map(keptStep) },
  };
}

/** A branch of its own, from where the branch of the other one stood. */
function workspaceAt({ spec, commit }: Directive): DirectiveFile['workspace'] {
  const { workspace } = spec;
  return workspace.kind === 'git' && commit !== null
    ? { ...workspace, baseBranch: commit }
    : workspace;
}

const keptStep = ({ spec, status, attempt, run, confidence }: StepState): Fork['kept'][number] => ({
  ...{ step: spec.name, attempt, confidence },
  ...(status === 'skipped' && { skipped: true }),
  ...(run !== null && { run }),
});

/** The steps that were taken over, as those of a chain before the first. */
export function keptChain(
  { fork, steps }: DirectiveEventData<'DirectiveCreated'>,
  planned: (specs: readonly PlannedStep[]) => Chain,
  at: string,
): Chain {
  const kept = new Map(fork?.kept.map((it) => [it.step, it]));
  let chain = planned(steps.filter(({ name }) => kept.has(name)));
  for (const step of chain) {
    const found = kept.get(step.spec.name);
    if (found === undefined) continue;
    const { skipped = false, attempt, run = null, confidence } = found;
    const status = skipped ? ('skipped' as const) : ('passed' as const);
    const runId = run?.runId ?? null;
    chain = chain.with({ ...step, status, attempt, run, runId, confidence, completedAt: at });
  }
  return chain;
}
