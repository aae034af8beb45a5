/** The planner's part in rules out of its parts. */
import { systemClock, type Clock } from '@writ/contracts';
import { ruleDecider, type RuleCommand } from '@writ/domain';
import { Aggregates, Reconciler } from '@writ/event-log';
import type { Planner } from '../planner';
import { createFollower } from './follow-approvals';
import type { Rules } from './rules';

export interface RulesParts extends Pick<Rules, 'rows'> {
  readonly planner: Planner;
  /** So often the log is looked at, besides when something about approvals is heard. */
  readonly everyMs: number;
  /** See `PlannerParts`. */
  readonly rowsUpToNow: () => Promise<void>;
  readonly clock?: Clock;
}

export interface ComposedRules {
  readonly rules: Rules;
  begin(): void;
  stop(): Promise<void>;
}

/** They are heard as they pass; what is missed is found in the log at the next look. */
const HEARD = ['ApprovalRequested', 'ApprovalResolved'].map((it) => `writ.event.directive.*.${it}`);

export function composeRules(parts: RulesParts): ComposedRules {
  const { planner, rows, everyMs, rowsUpToNow, clock = systemClock } = parts;
  const { log, bus, logger } = planner;
  const touched = new Set<string>();
  let loop: Reconciler | undefined;
  const rules: Rules = {
    ...{ planner, rows },
    rules: new Aggregates({
      ...{ log, decider: ruleDecider, clock },
      begins: ({ type }: RuleCommand) => type === 'create',
    }),
    touched: (name) => {
      touched.add(name);
      loop?.wake();
    },
  };
  const follow = createFollower(rules, touched);
  let began = false;
  let listening: Promise<Awaited<ReturnType<typeof bus.listen>>[]> | undefined;
  const pass = async () => {
    if (!began) await rowsUpToNow();
    began = true;
    await follow();
  };
  return {
    rules,
    begin: () => {
      loop = new Reconciler({
        ...{ clock, reconcile: pass, everyMs },
        onError: (error) => logger.error({ err: error }, 'a look at approvals for rules failed'),
      });
      listening = Promise.all(HEARD.map((it) => bus.listen(it, () => loop?.wake())));
      listening.catch((error: unknown) => {
        logger.warn({ err: error }, 'rules do not hear approvals pass; they look for them instead');
      });
    },
    stop: async () => {
      await loop?.stop();
      const heard = await listening?.catch(() => []);
      await Promise.all((heard ?? []).map((it) => it.close()));
    },
  };
}
