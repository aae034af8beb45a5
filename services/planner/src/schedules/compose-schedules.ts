/** The planner's part in schedules out of its parts. */
import { systemClock, type Clock } from '@writ/contracts';
import { scheduleDecider, type ScheduleCommand } from '@writ/domain';
import { Aggregates, Reconciler } from '@writ/event-log';
import type { MetricsOf } from '@writ/observability';
import type { Planner } from '../planner';
import { hearMessage } from './hear-message';
import { HeardSubjects } from './hear-subjects';
import type { Schedules } from './schedules';
import { createTick } from './tick-schedules';

export interface SchedulesParts extends Pick<Schedules, 'rows'> {
  readonly planner: Planner;
  readonly metrics: MetricsOf<'schedules'>;
  /** So often all are looked at, besides at their times. */
  readonly everyMs: number;
  /** See `PlannerParts`. */
  readonly rowsUpToNow: () => Promise<void>;
  readonly clock?: Clock;
}

export interface ComposedSchedules {
  readonly schedules: Schedules;
  begin(): void;
  stop(): Promise<void>;
}

export function composeSchedules(parts: SchedulesParts): ComposedSchedules {
  const { planner, rows, metrics, everyMs, rowsUpToNow, clock = systemClock } = parts;
  const { log, bus, logger } = planner;
  const touched = new Set<string>();
  let loop: Reconciler | undefined;
  let takeBack: () => void = () => undefined;
  const schedules: Schedules = {
    ...{ planner, rows, metrics, log, bus, logger },
    schedules: new Aggregates({
      ...{ log, decider: scheduleDecider, clock },
      begins: ({ type }: ScheduleCommand) => type === 'create',
    }),
    subjects: new HeardSubjects(bus, logger, (id, message) => hearMessage(schedules, id, message)),
    touched: (id) => {
      touched.add(id);
      loop?.wake();
    },
  };
  const tick = createTick(schedules, { touched });
  let began = false;
  const pass = async () => {
    if (!began) await rowsUpToNow();
    began = true;
    takeBack();
    const nextMs = await tick();
    if (nextMs === undefined || nextMs >= everyMs) return;
    takeBack = clock.after(Math.max(1, nextMs), () => loop?.wake());
  };
  return {
    schedules,
    begin: () => {
      loop = new Reconciler({
        ...{ clock, reconcile: pass, everyMs },
        onError: (error) => logger.error({ err: error }, 'a look at the schedules failed'),
      });
    },
    stop: async () => {
      await loop?.stop();
      takeBack();
      await schedules.subjects.close();
    },
  };
}
