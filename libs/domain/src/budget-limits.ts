/**
 * What the ledger means for how a directive goes on: whether it is out of budget, and what is said of
 * it on the way. Owns the words with the figures, and the document; the sums are in `budget.ts`.
 */
import type { BudgetDocument, RunEnded } from '@writ/contracts';
import {
  amountOf,
  fits,
  isOverspent,
  limitOf,
  markOf,
  MARKS,
  newUsage,
  reservationOf,
  type Amount,
  type Currency,
} from './budget';
import type { StepState } from './chain';
import type { Draft } from './directive-draft';
import type { Directive } from './directive-state';

const currencies: readonly Currency[] = ['cost', 'tokens'];

/** Whether there is budget for another attempt of the step. */
export const isAffordable = (
  { ledger, spec: { limits } }: Directive,
  { spec }: StepState,
): boolean => fits(ledger, limits, reservationOf(spec, limits));

/**
 * Why nothing can go on for want of budget: more is spent than may be, or nothing is under way that
 * could leave some of its reservation, and nothing that is ready fits. Undefined when it can.
 */
export function budgetShortage(state: Directive): string | undefined {
  const { chain, ending, ledger, spec } = state;
  const { limits } = spec;
  if (limits.maxTotalCostUsd === undefined && limits.maxTotalTokens === undefined) return undefined;
  const { ready, active, waiting } = chain.tally;
  if (ready === 0) return undefined;
  if (isOverspent(ledger, limits)) return `it has spent ${figures(state, ledger.spent)}`;
  if (active + waiting + ending.size > 0) return undefined;
  let first: StepState | undefined;
  for (const step of chain.ready()) {
    if (isAffordable(state, step)) return undefined;
    first ??= step;
  }
  if (first === undefined) return undefined;
  const { costUsd = 0, tokens = 0 } = reservationOf(first.spec, limits) ?? {};
  const needs = `step ${first.spec.name} needs ${figures(state, { costUsd, tokens }, false)}`;
  return `${needs}, and ${figures(state, ledger.spent)} is spent`;
}

/** In the currencies that have a limit. */
function figures({ spec: { limits } }: Directive, amount: Amount, withLimit = true): string {
  const said = currencies.flatMap((of) => {
    const limit = limitOf(limits, of);
    if (limit === undefined) return [];
    const inWords = (it: number) => (of === 'cost' ? `$${usd(it)}` : `${it} tokens`);
    return [`${inWords(amountOf(amount, of))}${withLimit ? ` of ${inWords(limit)}` : ''}`];
  });
  return said.join(' and ');
}

/** Cents at least, and no more than there is. */
const usd = (amount: number): string =>
  amount === Math.round(amount * 100) / 100 ? amount.toFixed(2) : String(amount);

/** What a run that ended has used, and which marks are reached by it. */
export function settle(draft: Draft, ended: RunEnded): void {
  const usage = newUsage(draft.state.ledger, ended);
  if (usage === undefined) return;
  const { runId, step, attempt } = ended;
  draft.emit({ type: 'BudgetSettled', data: { step, attempt, runId, usage } });
  markBudget(draft);
}

/** Says once each, under one limit, which marks were reached. */
function markBudget(draft: Draft): void {
  for (const of of currencies) {
    const { ledger, spec } = draft.state;
    const limit = limitOf(spec.limits, of);
    const spent = amountOf(ledger.spent, of);
    const reached = markOf(spent, limit);
    if (limit === undefined || reached === 0) continue;
    for (const percent of MARKS) {
      if (percent <= ledger.marks[of] || percent > reached) continue;
      draft.emit({ type: 'BudgetMarked', data: { of, percent, spent, limit } });
    }
  }
}

/** Undefined where there is neither a limit nor a cost. */
export function budgetDocument({
  ledger,
  spec: { limits },
}: Directive): BudgetDocument | undefined {
  const { spent, reserved, settled, open } = ledger;
  const { maxTotalCostUsd: limitUsd, maxTotalTokens: limitTokens } = limits;
  const underWay = open.map(({ allowed: _, ...entry }) => entry);
  const entries = [...settled, ...underWay];
  if (limitUsd === undefined && limitTokens === undefined && entries.length === 0) return undefined;
  return {
    ...{ limitUsd: limitUsd ?? null, spentUsd: spent.costUsd, reservedUsd: reserved.costUsd },
    ...{ limitTokens: limitTokens ?? null, spentTokens: spent.tokens },
    ...{ reservedTokens: reserved.tokens, attempts: entries },
  };
}
