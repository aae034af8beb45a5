/**
 * What a directive does next: the steps that start, or its end. Owns which step starts, and when
 * nothing is left to be done.
 */
import { runIdOf, type CriterionResult, type DirectiveEventData } from '@writ/contracts';
import { isPending } from './approvals';
import type { Draft } from './directive-draft';
import type { Directive } from './directive-state';

export function activateIfPrepared(draft: Draft): void {
  const { spec, workspace, generation } = draft.state;
  if (spec.workspace.kind !== 'none' && workspace === null) return;
  const data = { generation: generation + 1, strategy: spec.planner.kind, steps: spec.steps };
  draft.emit({ type: 'ChainActivated', data });
  advance(draft);
}

/** Starts what is ready within the limit, or ends the directive when nothing is left to do (P2). */
export function advance(draft: Draft): void {
  if (draft.state.status !== 'active') return;
  const { limits } = draft.state.spec;
  if (draft.state.chain.tally.failed > limits.maxFailedSteps) {
    cancelActive(draft);
    voidApprovals(draft, 'the directive failed');
    return draft.emit({ type: 'DirectiveFailed', data: failureOf(draft.state) });
  }
  while (draft.state.chain.tally.active < limits.maxParallelSteps) {
    const { id, generation, chain } = draft.state;
    const next = chain.firstReady();
    if (next === undefined) break;
    const attempt = next.attempt + 1;
    const step = next.spec.name;
    const runId = runIdOf(id, generation, step, attempt);
    draft.emit({ type: 'StepStarted', data: { step, runId, attempt } });
  }
  const { tally } = draft.state.chain;
  if (tally.active > 0 || tally.waiting > 0) return;
  if (tally.failed > 0) {
    return draft.emit({ type: 'DirectiveFailed', data: failureOf(draft.state) });
  }
  const commit = draft.state.commit ?? undefined;
  draft.emit({ type: 'DirectiveCompleted', data: { criteria: criteriaOf(draft.state), commit } });
}

function failureOf({ chain }: Directive): DirectiveEventData<'DirectiveFailed'> {
  const failedSteps = chain.failed().map((step) => step.spec.name);
  const steps = failedSteps.length === 1 ? 'step' : 'steps';
  return { reason: `${steps} ${failedSteps.join(', ')} failed`, failedSteps };
}

/** A criterion is met when the steps that name it passed; their runs are the evidence. */
function criteriaOf(state: Directive): CriterionResult[] {
  const steps = [...state.chain];
  return state.spec.acceptanceCriteria.map(({ id }) => {
    const naming = steps.filter((step) => step.spec.acceptanceCriteriaIds.includes(id));
    const evidence = naming.map((step) => ({ step: step.spec.name, runId: step.runId ?? '' }));
    const met = naming.length === 0 ? null : naming.every((step) => step.status === 'passed');
    return { id, met, evidence };
  });
}

/** What a person was asked is no more. */
export function voidApprovals(draft: Draft, reason: string): void {
  for (const [approvalId, approval] of draft.state.approvals) {
    if (isPending(approval)) draft.emit({ type: 'ApprovalVoided', data: { approvalId, reason } });
  }
}

export function cancelActive(draft: Draft): void {
  for (const { spec, runId } of draft.state.chain.active()) {
    if (runId === null) continue;
    draft.emit({ type: 'StepCancelled', data: { step: spec.name, runId } });
  }
}
