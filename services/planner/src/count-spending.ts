/** Counts what runs have used, and how often a limit's mark is reached. */
import type { DirectiveEvent } from '@writ/contracts';
import type { MetricsOf } from '@writ/observability';

export function countSpending(
  events: readonly DirectiveEvent[],
  metrics: Pick<MetricsOf<'planner'>, 'spentUsd' | 'spentTokens' | 'budgetMarks'>,
): void {
  for (const { type, data } of events) {
    if (type === 'BudgetSettled') {
      const { costUsd, inputTokens, outputTokens } = data.usage;
      metrics.spentUsd.inc(costUsd);
      metrics.spentTokens.inc({ direction: 'input' }, inputTokens);
      metrics.spentTokens.inc({ direction: 'output' }, outputTokens);
    }
    if (type !== 'BudgetMarked') continue;
    metrics.budgetMarks.inc({ of: data.of, percent: String(data.percent) as '50' });
  }
}
