/**
 * Suspended directives: why one does not go on, how it can, and whether it could now. Owns the ways
 * out, in the words that people are told.
 */
import type { DirectiveEventData, SuspensionKind } from '@writ/contracts';
import { budgetShortage } from './budget-limits';
import type { Draft } from './directive-draft';
import { isOpen, isStillNeeded } from './provider-breaker';
import type { Directive } from './directive-state';

const waysOut: Readonly<Record<SuspensionKind, (id: string) => string>> = {
  budget: (id) => `writ raise-limit ${id} --max-total-cost-usd N (or --max-total-tokens N)`,
  time: (id) =>
    `writ resume ${id} gives it the same time again; ` +
    `writ raise-limit ${id} --max-wall-time-minutes N more`,
  rework: (id) => `writ raise-limit ${id} --max-rework-cycles N`,
  regenerations: (id) => `writ raise-limit ${id} --max-chain-regenerations N`,
  failed_steps: (id) =>
    `writ retry ${id} STEP, writ skip ${id} STEP, or writ raise-limit ${id} --max-failed-steps N`,
  provider: (id) => `it tries again by itself; writ resume ${id} at once`,
  policy: (id) => `writ replan ${id}, or writ amend ${id}`,
};

/** `until`: of a provider in trouble. */
export function suspend(
  draft: Draft,
  kind: SuspensionKind,
  reason: string,
  until: Pick<DirectiveEventData<'DirectiveSuspended'>, 'provider' | 'retryAfterMs'> = {},
): void {
  const { id } = draft.state;
  const waits = kind === 'provider' && until.retryAfterMs === undefined;
  const wayOut = waits ? `writ resume ${id} tries it again` : waysOut[kind](id);
  draft.emit({ type: 'DirectiveSuspended', data: { kind, reason, wayOut, ...until } });
}

/** True when more steps have failed than may, so that it starts no more. */
export const hasTooManyFailures = ({ chain, spec }: Directive): boolean =>
  chain.tally.failed > spec.limits.maxFailedSteps;

/** Requirements that no step works on. */
export function uncoveredRequirements({ chain, spec }: Directive): string[] {
  if (spec.requirements.length === 0) return [];
  const covered = new Set([...chain].flatMap((step) => step.spec.requirementIds));
  return spec.requirements.map(({ id }) => id).filter((id) => !covered.has(id));
}

/** Whether what it was suspended for still holds; a person who resumes may end the others. */
export function mustStaySuspended(state: Directive): boolean {
  switch (state.suspension?.kind) {
    case 'failed_steps':
      return hasTooManyFailures(state);
    case 'budget':
      return budgetShortage(state) !== undefined;
    case 'provider': {
      const { provider = '' } = state.suspension;
      return isOpen(state, provider) && isStillNeeded(state, provider);
    }
    case 'policy':
      return uncoveredRequirements(state).length > 0;
    default:
      return false;
  }
}
