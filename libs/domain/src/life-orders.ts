/** Orders about the life of a directive as a whole. */
import type { Refusal } from '@writ/contracts';
import { advance, cancelActive, voidApprovals } from './directive-advance';
import { planIfPrepared } from './directive-planning';
import type { DirectiveOrder } from './directive-command';
import type { Draft } from './directive-draft';
import { mustStaySuspended } from './suspension';

type Order<V> = Extract<DirectiveOrder, { type: V }>;

const withReason = ({ reason }: { readonly reason?: string }) =>
  reason === undefined ? {} : { reason };

export function start(draft: Draft): void {
  draft.emit({ type: 'DirectiveStarted', data: {} });
  planIfPrepared(draft);
}

/** Cut, what runs is cancelled and starts anew when the directive goes on; what is judged goes on. */
export function pause(draft: Draft, { mode, ...order }: Order<'pause'>): void {
  const cut = mode === 'cut' ? { mode } : {};
  draft.emit({ type: 'DirectivePaused', data: { ...withReason(order), ...cut } });
  if (mode !== 'cut') return;
  for (const { spec, runId, status } of draft.state.chain.active()) {
    if (runId === null || status !== 'running') continue;
    draft.emit({ type: 'StepCancelled', data: { step: spec.name, runId, again: true } });
  }
}

export function resume(draft: Draft): Refusal | void {
  const { suspension } = draft.state;
  if (suspension !== null && mustStaySuspended(draft.state)) {
    if (suspension.kind === 'provider') return goOn(draft, { probe: true });
    const { kind, reason, wayOut } = suspension;
    const message = `the directive is suspended: ${reason}; to go on: ${wayOut}`;
    return { refused: 'illegal_transition', message, details: { from: 'suspended', kind, wayOut } };
  }
  goOn(draft);
}

/** From a pause or a suspension to where it was. */
export function goOn(draft: Draft, how: { readonly probe?: true } = {}): void {
  draft.emit({ type: 'DirectiveResumed', data: how });
  if (draft.state.status === 'planning') planIfPrepared(draft);
  else advance(draft);
}

/** After something that may have ended what it was suspended for. */
export function goOnIfFree(draft: Draft): void {
  const { status, suspension } = draft.state;
  if (status === 'suspended' && suspension !== null && suspension.kind !== 'time') {
    if (!mustStaySuspended(draft.state)) return goOn(draft);
  }
  advance(draft);
}

export function stop(draft: Draft, order: Order<'stop'>): void {
  cancelActive(draft);
  voidApprovals(draft, 'the directive was stopped');
  draft.emit({ type: 'DirectiveStopped', data: withReason(order) });
}

export function archive(draft: Draft): void {
  draft.emit({ type: 'DirectiveArchived', data: {} });
}
