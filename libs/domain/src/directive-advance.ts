/**
 * What a directive does next: the steps that start, or its end. Owns which step starts, and when
 * nothing is left to be done.
 */
import { runIdOf, type CriterionResult, type DirectiveEventData } from '@writ/contracts';
import { isPending } from './approvals';
import { askQuestion } from './ask-people';
import { reservationOf } from './budget';
import { budgetShortage, isAffordable } from './budget-limits';
import type { StepState } from './chain';
import { namesCriterion } from './checks-of-step';
import type { Draft } from './directive-draft';
import type { Directive } from './directive-state';
import { probeStep } from './provider-breaker';
import { hasTooManyFailures, suspend, uncoveredRequirements } from './suspension';

/** Starts what is ready within the limits, or ends the directive when nothing is left to do (P2). */
export function advance(draft: Draft): void {
  if (draft.state.status !== 'active') return;
  if (hasTooManyFailures(draft.state) && somethingIsLeft(draft.state)) {
    const { reason } = failureOf(draft.state);
    return suspend(draft, 'failed_steps', `${reason}, which is more than maxFailedSteps allows`);
  }
  for (const step of draft.state.chain.readyPeople()) askQuestion(draft, step);
  const shortage = budgetShortage(draft.state);
  if (shortage !== undefined) return suspend(draft, 'budget', shortage);
  const canStart = (step: StepState) =>
    isFree(draft.state, step) && isAffordable(draft.state, step);
  const only = probeStep(draft.state, canStart);
  for (const next of draft.state.chain.ready()) {
    if (draft.state.chain.tally.active >= draft.state.spec.limits.maxParallelSteps) break;
    if (only !== undefined && next.spec.name !== only) continue;
    if (!canStart(next)) continue;
    const { id, generation, spec } = draft.state;
    const attempt = next.attempt + 1;
    const step = next.spec.name;
    const runId = runIdOf(id, generation, step, attempt);
    const reserved = reservationOf(next.spec, spec.limits);
    const budget = reserved === undefined ? {} : { reserved };
    draft.emit({ type: 'StepStarted', data: { step, runId, attempt, ...budget } });
  }
  const { chain, ending } = draft.state;
  const { tally } = chain;
  if (tally.active > 0 || tally.waiting > 0 || ending.size > 0) return;
  if (tally.failed > 0) {
    return draft.emit({ type: 'DirectiveFailed', data: failureOf(draft.state) });
  }
  const uncovered = uncoveredRequirements(draft.state);
  if (uncovered.length > 0) {
    return suspend(draft, 'policy', `no step works on requirement ${uncovered.join(', ')}`);
  }
  const commit = draft.state.commit ?? undefined;
  draft.emit({ type: 'DirectiveCompleted', data: { criteria: criteriaOf(draft.state), commit } });
}

const somethingIsLeft = ({ chain: { tally } }: Directive) =>
  tally.active + tally.ready + tally.waiting > 0;

/** Whether its run before has ended, and what it shares with others of the chain has room for it. */
function isFree({ chain, ending, spec: { limits } }: Directive, { spec }: StepState): boolean {
  const { name, group, concurrencyKey: key } = spec;
  for (const { step } of ending.values()) if (step.spec.name === name) return false;
  if (group === undefined && key === undefined) return true;
  const active = chain.active();
  if (key !== undefined && active.some((it) => it.spec.concurrencyKey === key)) return false;
  const room = group === undefined ? undefined : limits.groups?.[group];
  return room === undefined || active.filter((it) => it.spec.group === group).length < room;
}

function failureOf({ chain }: Directive): DirectiveEventData<'DirectiveFailed'> {
  const failedSteps = chain.failed().map((step) => step.spec.name);
  const steps = failedSteps.length === 1 ? 'step' : 'steps';
  return { reason: `${steps} ${failedSteps.join(', ')} failed`, failedSteps };
}

/** A criterion is met when the steps that name it, or whose checks do, passed; their runs are the evidence. */
function criteriaOf(state: Directive): CriterionResult[] {
  const steps = [...state.chain];
  return state.spec.acceptanceCriteria.map(({ id }) => {
    const naming = steps.filter((step) => namesCriterion(step.spec, id));
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
