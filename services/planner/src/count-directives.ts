/** Shows how many directives are in each state: those in none of them too, as 0. */
import { directiveStatuses } from '@writ/contracts';
import type { MetricsOf } from '@writ/observability';
import type { DirectiveRows } from './projections/directive-rows';

export async function countDirectives(
  rows: Pick<DirectiveRows, 'countByStatus'>,
  metrics: Pick<MetricsOf<'planner'>, 'directives'>,
): Promise<void> {
  const counted = await rows.countByStatus();
  const counts = new Map(counted.map(({ status, count }) => [status, count]));
  for (const state of directiveStatuses) {
    metrics.directives.set({ state }, counts.get(state) ?? 0);
  }
}
