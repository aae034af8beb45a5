/** Orders about one step of a chain that is carried out. */
import { nearest, type Refusal, type StepStatus } from '@writ/contracts';
import { isPending } from './approvals';
import { isActive, type StepState } from './chain';
import type { DirectiveOrder } from './directive-command';
import type { Draft } from './directive-draft';
import { goOnIfFree } from './life-orders';

type Order<V> = Extract<DirectiveOrder, { type: V }>;

export function skipStep(draft: Draft, { step: name, reason }: Order<'skip-step'>): Refusal | void {
  const step = stepNamed(draft, name);
  if ('refused' in step) return step;
  const legal = ['pending', 'rework', 'stale', 'failed', 'blocked', 'awaiting_approval'] as const;
  const illegal = illegalOf(step, 'skip-step', legal);
  if (illegal !== undefined) return illegal;
  voidApprovalOf(draft, name, 'the step is skipped');
  draft.emit({ type: 'StepSkipped', data: { step: name, ...(reason && { reason }) } });
  reopenBlocked(draft, name);
  goOnIfFree(draft);
}

/** It runs again, and so does everything that has gone on from what it made. */
export function retryStep(draft: Draft, order: Order<'retry-step'>): Refusal | void {
  const { step: name, reason } = order;
  const step = stepNamed(draft, name);
  if ('refused' in step) return step;
  const legal = ['passed', 'skipped', 'failed', 'blocked', 'cancelled'] as const;
  const illegal = illegalOf(step, 'retry-step', legal);
  if (illegal !== undefined) return illegal;
  if (step.status === 'blocked' && step.failure === null) {
    const message = `step ${name} waits for ${step.blockedBy}; retry that one`;
    return { refused: 'illegal_transition', message, details: { blockedBy: step.blockedBy } };
  }
  reopen(draft, step, name, reason);
  for (const later of draft.state.chain.after(name)) reopen(draft, later, name, reason);
  goOnIfFree(draft);
}

/** What can start after all, since nothing that it needs has failed any more. */
export function reopenBlocked(draft: Draft, because: string): void {
  for (const { spec, status, blockedBy } of draft.state.chain.after(because)) {
    if (status !== 'blocked' || blockedBy !== because) continue;
    draft.emit({ type: 'StepReopened', data: { step: spec.name, because } });
  }
}

function reopen(draft: Draft, step: StepState, because: string, reason?: string): void {
  const { spec, runId, status, blockedBy } = step;
  // Another step that failed stands before it still.
  if (status === 'blocked' && step.failure === null && blockedBy !== because) return;
  if (status === 'pending' || status === 'stale') return;
  if (isActive(step) && runId !== null) {
    draft.emit({ type: 'StepCancelled', data: { step: spec.name, runId, again: true } });
    return;
  }
  voidApprovalOf(draft, spec.name, `step ${because} runs again`);
  const data = { step: spec.name, because, ...(reason && { reason }) };
  draft.emit({ type: 'StepReopened', data });
}

function voidApprovalOf(draft: Draft, step: string, reason: string): void {
  for (const [approvalId, approval] of draft.state.approvals) {
    if (approval.request.step !== step || !isPending(approval)) continue;
    draft.emit({ type: 'ApprovalVoided', data: { approvalId, reason } });
  }
}

export function stepNamed(draft: Draft, name: string): StepState | Refusal {
  const { chain, id } = draft.state;
  const step = chain.get(name);
  if (step !== undefined) return step;
  const near = nearest(
    name,
    [...chain].map(({ spec }) => spec.name),
  );
  const meant = near === undefined ? '' : `; did you mean "${near}"?`;
  return { refused: 'not_found', message: `directive ${id} has no step "${name}"${meant}` };
}

export function illegalOf(
  { spec, status }: StepState,
  verb: string,
  legal: readonly StepStatus[],
): Refusal | undefined {
  if (legal.includes(status)) return undefined;
  const message = `step ${spec.name} is ${status}; ${verb} is for one that is ${legal.join(', ')}`;
  return { refused: 'illegal_transition', message, details: { from: status, verb, legal } };
}
