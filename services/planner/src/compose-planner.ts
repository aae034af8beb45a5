/** The planner out of its parts: alike as a process and in the simulator. */
import { systemClock, type Clock } from '@writ/contracts';
import { directiveDecider, type DirectiveCommand } from '@writ/domain';
import { Aggregates, Reconciler, uuidV7 } from '@writ/event-log';
import { countDirectives } from './count-directives';
import type { Planner } from './planner';
import type { DirectiveRows } from './projections/directive-rows';
import { createReconciler } from './reconcile';

/** Rung so often in vain, a directive counts as stuck. */
const stuckAfterRings = 10;

export interface PlannerParts extends Omit<Planner, 'directives' | 'rows'> {
  readonly rows: Pick<DirectiveRows, 'list' | 'unfinished' | 'countByStatus'>;
  readonly reconcileMs: number;
  readonly unattendedMs: number;
  /** Default: the system's clock and chance. */
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly newId?: () => string;
}

export interface ComposedPlanner {
  readonly planner: Planner;
  /** Its reconciler. */
  begin(): void;
  stop(): Promise<void>;
}

export function composePlanner(parts: PlannerParts): ComposedPlanner {
  const { clock = systemClock, random = Math.random, newId = uuidV7, ...given } = parts;
  const { log, rows, logger, metrics, reconcileMs, unattendedMs } = given;
  const directives = new Aggregates({
    ...{ log, decider: directiveDecider, clock, random, newId },
    begins: ({ type }: DirectiveCommand) => type === 'create',
  });
  const planner: Planner = { ...given, directives };
  const now = () => clock.now();
  const pass = createReconciler(planner, { unattendedMs, stuckAfterRings, now });
  const reconcile = async () => {
    await pass();
    await countDirectives(rows, metrics);
    metrics.reconcilerLastPass.set(Date.parse(clock.time()) / 1000);
  };
  let reconciler: Reconciler | undefined;
  return {
    planner,
    begin: () => {
      reconciler = new Reconciler({
        ...{ clock, reconcile, everyMs: reconcileMs },
        onError: (error) => logger.error({ err: error }, 'a pass of the reconciler failed'),
      });
    },
    stop: async () => reconciler?.stop(),
  };
}
