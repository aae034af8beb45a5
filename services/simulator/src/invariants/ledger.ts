/**
 * What holds for the ledger of one directive, L11 of `in-the-log.ts`: nothing starts beyond a limit,
 * nothing reserved is ever less than nothing or outlives the directive, and what is spent is what the
 * runs say that they used, each once.
 */
import type { DirectiveEventData, RunEnded } from '@writ/contracts';
import { directiveDecider, isFinal, type DirectiveState } from '@writ/domain';
import type { StoredEvent } from '@writ/event-log';

const TINY = 1e-6;

/** `ends`: of all runs, by run. */
export function brokenLedger(
  stream: string,
  events: readonly StoredEvent[],
  ends: ReadonlyMap<string, RunEnded>,
): string[] {
  const broken: string[] = [];
  const counted = new Set<string>();
  let state: DirectiveState = directiveDecider.initial;
  let sum = 0;
  for (const event of events) {
    state = directiveDecider.evolve(state, event);
    if (state.status === 'absent') continue;
    const say = (what: string) => void broken.push(`${stream}: ${what}, at ${event.version}`);
    const { spent, reserved } = state.ledger;
    if (reserved.costUsd < 0) say(`$${reserved.costUsd} are reserved`);
    const limit = state.spec.limits.maxTotalCostUsd ?? Infinity;
    if (event.type === 'StepStarted' && 'reserved' in (event.data as object)) {
      if (spent.costUsd + reserved.costUsd > limit + TINY) say('a step starts beyond the limit');
    }
    if (event.type === 'BudgetSettled') {
      const { runId, usage } = event.data as DirectiveEventData<'BudgetSettled'>;
      if (counted.has(runId)) say(`${runId} is counted again`);
      counted.add(runId);
      sum += usage.costUsd;
      const said = ends.get(runId)?.usage?.costUsd;
      if (said !== usage.costUsd) say(`${runId} used $${said}, not $${usage.costUsd}`);
    }
  }
  if (state.status === 'absent') return broken;
  const { ledger, id, status } = state;
  if (Math.abs(ledger.spent.costUsd - sum) > TINY) {
    broken.push(`${stream} has spent $${ledger.spent.costUsd}, its runs $${sum}`);
  }
  if (isFinal(status) && ledger.open.length > 0) broken.push(`${stream} reserves after its end`);
  // Of a directive that was stopped nobody has to hear what came later.
  const isHeard = events.some(({ type }) => /^Directive(Completed|Failed)$/.test(type));
  for (const { runId, directiveId, usage, source } of isHeard ? ends.values() : []) {
    const costs = directiveId === id && source === undefined && (usage?.costUsd ?? 0) > 0;
    if (costs && !counted.has(runId)) broken.push(`${stream} does not count ${runId}`);
  }
  return broken;
}
