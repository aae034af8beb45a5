/** The planner out of its parts: alike as a process and in the simulator. */
import { systemClock, type Clock } from '@writ/contracts';
import { directiveDecider, type DirectiveCommand } from '@writ/domain';
import { Aggregates, Reconciler, uuidV7 } from '@writ/event-log';
import { Admission } from './admission';
import { countDirectives } from './count-directives';
import { NotedTogether } from './follow-runs';
import { knownDirectives } from './known-directives';
import type { Planner } from './planner';
import type { DirectiveRows } from './projections/directive-rows';
import { createReconciler } from './reconcile';
import { openSnapshots, type SnapshotParts } from './directive-snapshots';

/** Counting goes over all directives that ever were, so it is done less often than the rest. */
const countEveryMs = 5_000;

/** Rung so often in vain, a directive counts as stuck. */
const stuckAfterRings = 10;

type Composed = 'directives' | 'rows' | 'admission' | 'known' | 'notedTogether' | 'stepsAhead';

export interface PlannerParts extends Omit<Planner, Composed> {
  readonly rows: Pick<DirectiveRows, 'list' | 'unfinished' | 'now' | 'countByStatus'>;
  /**
   * Resolves when the list has what stands in the log now, or late. The first pass waits for it: what
   * was created right before another process died would else be found when it is long overdue.
   */
  readonly rowsUpToNow: () => Promise<void>;
  readonly reconcileMs: number;
  readonly unattendedMs: number;
  /** See `Admission`. Default 600. */
  readonly maxWaiting?: number;
  /** See `Admission`. Default 20,000. */
  readonly maxUnfinished?: number;
  /** See `WorkOptions`. Default 16. */
  readonly stepsAhead?: number;
  /** Where folds of long directives are kept. Default: nowhere. */
  readonly snapshots?: SnapshotParts;
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
  const { log, bus, rows, rowsUpToNow, logger, metrics, reconcileMs, unattendedMs } = given;
  const { maxWaiting = 600, maxUnfinished = 20_000, stepsAhead = 16 } = given;
  const snapshots = parts.snapshots && openSnapshots(parts.snapshots, { log, clock, logger });
  const directives = new Aggregates({
    ...{ log, decider: directiveDecider, clock, random, newId, snapshots },
    begins: ({ type }: DirectiveCommand) => type === 'create',
  });
  const admitting = { bus, clock, random, logger, metrics, maxWaiting, maxUnfinished };
  const admission = new Admission(admitting);
  const known = knownDirectives(log);
  const notedTogether = new NotedTogether();
  const planner: Planner = { ...given, directives, admission, known, notedTogether, stepsAhead };
  const now = () => clock.now();
  const pass = createReconciler(planner, { unattendedMs, stuckAfterRings, now });
  let countedAt = -Infinity;
  let began = false;
  const reconcile = async () => {
    if (!began) await rowsUpToNow();
    began = true;
    await pass();
    if (now() - countedAt >= countEveryMs) {
      countedAt = now();
      await countDirectives(rows, given.approvals, metrics);
    }
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
    stop: async () => void (await Promise.all([reconciler?.stop(), snapshots?.stop()])),
  };
}
