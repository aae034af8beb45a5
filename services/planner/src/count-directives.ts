/** Shows how many directives are in each state, those in none of them too, and what waits for people. */
import { directiveStatuses } from '@writ/contracts';
import type { MetricsOf } from '@writ/observability';
import type { ApprovalRows } from './projections/approval-rows';
import type { DirectiveRows } from './projections/directive-rows';

export async function countDirectives(
  rows: Pick<DirectiveRows, 'countByStatus'>,
  approvals: Pick<ApprovalRows, 'countPending'>,
  metrics: Pick<MetricsOf<'planner'>, 'directives' | 'approvalsPending' | 'approvalOldestSeconds'>,
): Promise<void> {
  const [counted, pending] = await Promise.all([rows.countByStatus(), approvals.countPending()]);
  const counts = new Map(counted.map(({ status, count }) => [status, count]));
  for (const state of directiveStatuses) {
    metrics.directives.set({ state }, counts.get(state) ?? 0);
  }
  metrics.approvalsPending.set(pending.count);
  metrics.approvalOldestSeconds.set(pending.oldestSeconds);
}
