/**
 * A directive goes back to before one of its steps: what goes back with it, the branch first, the steps
 * when that is where it was. What is planned is in `plan-rollback.ts`, and shown before anybody decides.
 */
import {
  isRefusal,
  type DirectiveEvent,
  type Refusal,
  type WorkspaceEvent,
  type WorkspaceWork,
} from '@writ/contracts';
import { isPending } from './approvals';
import type { DirectiveOrder } from './directive-command';
import type { Draft } from './directive-draft';
import type { Directive } from './directive-state';
import { planRollback } from './plan-rollback';

export interface Merge {
  readonly step: string;
  /** Head of the branch after it. */
  readonly commit: string;
}

export function rollBack(
  draft: Draft,
  { step, reason }: Extract<DirectiveOrder, { type: 'rollback' }>,
): Refusal | void {
  const { id, chain, ending, version, merged, workspace } = draft.state;
  if (chain.tally.active + ending.size > 0) {
    const names = chain.active().map(({ spec }) => spec.name);
    const runs = names.length === 0 ? [...ending.keys()] : names;
    const message = `${runs.join(', ')} has not ended yet; wait for it, or cancel it: writ pause ${id} --cut`;
    return { refused: 'illegal_transition', message, details: { active: runs } };
  }
  const plan = planRollback(draft.state, step, merged);
  if (isRefusal(plan)) return plan;
  const { from, to } = plan;
  const steps = plan.steps.map((it) => it.step);
  const about = { rollbackId: `${id}-rollback-${version + 1}`, step, steps };
  const said = reason === undefined ? {} : { reason };
  if (from !== null && to !== null && from !== to && workspace !== null) {
    return draft.emit({ type: 'RollbackStarted', data: { ...about, from, to, ...said } });
  }
  draft.emit({ type: 'RolledBack', data: { ...about, ...said } });
  reopenAll(draft, steps, step);
}

/** The branch is where it was, or could not be brought there. */
export function noteRollback(
  draft: Draft,
  event: Extract<WorkspaceEvent, { type: 'WorkspaceRolledBack' | 'WorkspaceRollbackRefused' }>,
): void {
  const { rollback } = draft.state;
  const { rollbackId } = event.data;
  if (rollback === null || rollback.rollbackId !== rollbackId) return;
  if (event.type === 'WorkspaceRollbackRefused') {
    const { code, message } = event.data;
    return draft.emit({ type: 'RollbackRefused', data: { rollbackId, code, message } });
  }
  const { step, steps, reason } = rollback;
  const { to, kept } = event.data;
  draft.emit({
    type: 'RolledBack',
    data: { rollbackId, step, steps, to, ...(kept && { kept }), ...(reason && { reason }) },
  });
  reopenAll(draft, steps, step);
}

function reopenAll(draft: Draft, steps: readonly string[], because: string): void {
  for (const [approvalId, approval] of draft.state.approvals) {
    if (!steps.includes(approval.request.step) || !isPending(approval)) continue;
    const reason = `step ${because} was rolled back`;
    draft.emit({ type: 'ApprovalVoided', data: { approvalId, reason } });
  }
  for (const name of steps) {
    const step = draft.state.chain.get(name);
    if (step === undefined || step.status === 'pending' || step.status === 'stale') continue;
    draft.emit({ type: 'StepReopened', data: { step: name, because } });
  }
}

export function afterRollback(
  state: Directive,
  event: Extract<DirectiveEvent, { type: 'RolledBack' | 'RollbackRefused' }>,
): Directive {
  const noted = state.rollback === null ? 0 : 1;
  const next = { ...state, rollback: null, workspaceNoted: state.workspaceNoted + noted };
  if (event.type === 'RollbackRefused') return next;
  const { to } = event.data;
  if (to === undefined) return next;
  const last = state.merged.map(({ commit }) => commit).lastIndexOf(to);
  return { ...next, commit: to, merged: state.merged.slice(0, last + 1) };
}

/** The work of the rollback that is under way. */
export function rollbackWork({ id, rollback, workspace }: Directive): WorkspaceWork | undefined {
  if (rollback === null) return undefined;
  const { rollbackId, from: expected, to } = rollback;
  const { path: repository = '', branch = '' } = workspace ?? {};
  return { op: 'rollback', directiveId: id, rollbackId, repository, branch, to, expected };
}
