/** The ledger of a directive as people read it. Owns its lines; the figures come as they are. */
import type { BudgetDocument } from '@writ/contracts';
import { table, type Style } from './style';

const usd = (amount: number): string =>
  amount === Math.round(amount * 100) / 100 ? `$${amount.toFixed(2)}` : `$${amount}`;

/** By step, in the order in which their attempts ended, and what is under way last. */
export function budgetView(budget: BudgetDocument, style: Style): string[] {
  const { limitUsd, spentUsd, reservedUsd, limitTokens, spentTokens, reservedTokens } = budget;
  const money = [usd(spentUsd), usd(reservedUsd), limitUsd === null ? 'no limit' : usd(limitUsd)];
  const tokens = [spentTokens, reservedTokens, limitTokens ?? 'no limit'].map(String);
  const totals = table([
    ['', 'spent', 'reserved', 'limit'].map((it) => style.dim(it)),
    ['cost', ...money],
    ['tokens', ...tokens],
  ]);
  if (budget.attempts.length === 0) return [...totals, '', 'no attempt has cost anything'];
  const steps = [...new Set(budget.attempts.map(({ step }) => step))];
  const attempts = steps.flatMap((name) =>
    budget.attempts
      .filter(({ step }) => step === name)
      .map(({ attempt, reserved, spent }, at) => [
        ...[at === 0 ? name : '', String(attempt)],
        ...[usd(reserved.costUsd), String(reserved.tokens)],
        ...(spent === null ? ['under way', ''] : [usd(spent.costUsd), String(spent.tokens)]),
      ]),
  );
  const heads = ['step', 'attempt', 'reserved', 'tokens', 'spent', 'tokens'];
  return [...totals, '', ...table([heads.map((it) => style.dim(it)), ...attempts])];
}
