/** What follows from a provider's trouble: the step waits, or the directive; and its tries to go on. */
import type { DirectiveEvent, RunError, StepRun } from '@writ/contracts';
import { advance } from './directive-advance';
import { Draft } from './directive-draft';
import type { Directive } from './directive-state';
import { goOn } from './life-orders';
import { errorsOf, isOpen, nextProbe, suspendedFor } from './provider-breaker';
import { suspend } from './suspension';

interface Postponed {
  readonly step: string;
  readonly run: StepRun;
  readonly error: RunError;
  readonly provider: string;
}

/** V1, V2 of `provider-breaker.ts`. */
export function postpone(draft: Draft, data: Postponed): void {
  draft.emit({ type: 'StepPostponed', data });
  const { provider, error } = data;
  const { status, breaker } = draft.state;
  if (status !== 'active' || !isOpen(draft.state, provider)) return advance(draft);
  const count = errorsOf(breaker, provider);
  const runs = count === 1 ? 'one run' : `${count} runs in a row`;
  const reason = `${provider} is in trouble, ${runs} ended with: ${error.message}`;
  suspend(draft, 'provider', reason, suspendedFor(breaker, provider));
}

/** V3: the time to wait is over; both times are the database's. */
export function noteProbe(
  { now, since }: { readonly now: string; readonly since: string },
  state: Directive,
): DirectiveEvent[] {
  const { suspension, status } = state;
  const due = nextProbe(suspension);
  // As for `note-time`: what is not recorded yet has no time.
  if (status !== 'suspended' || suspension?.since !== since) return [];
  if (due === null || Date.parse(now) < due) return [];
  const draft = new Draft(state, state.id);
  goOn(draft, { probe: true });
  return draft.events;
}
