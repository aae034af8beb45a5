/**
 * The seams of a real process: dead, unless `WRIT_FAILPOINTS` is set when it starts. Owns what the
 * actions of a plan are to a process, and that a log tells of each that happens.
 *
 * S1 Without a plan nothing is wrapped: everybody works with the very objects that were made.
 * S2 A crash is SIGKILL, sent by the process to itself: no handler, no flush, no goodbye.
 * S3 A stop blocks the one thread on which all of a service runs, for its time: nothing outside has to
 *    be there to end it, as it would after a SIGSTOP. As there, timers and heartbeats stay away, while
 *    programs, their warden and the kernel's side of each connection go on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventLog, Projection } from '@writ/event-log';
import type { Bus } from '@writ/messaging';
import type { Logger } from '@writ/observability';
import { parseFailpoints, plannedPoints, type Failpoint } from './failpoints';
import {
  areaWithPoints,
  busWithPoints,
  logWithPoints,
  projectionWithPoints,
  type Points,
} from './seams';

export const FAILPOINTS_VARIABLE = 'WRIT_FAILPOINTS';

/** What a service's parts pass through where they are made. */
export interface Seams {
  log(log: EventLog): EventLog;
  bus(bus: Bus): Bus;
  /** All methods of an area return promises. */
  area<T extends object>(area: string, target: T): T;
  projection(projection: Projection): Projection;
}

/** S1 */
export const noSeams: Seams = {
  log: (log) => log,
  bus: (bus) => bus,
  area: (_, target) => target,
  projection: (projection) => projection,
};

export const seamsWith = (service: string, points: Points): Seams => ({
  log: (log) => logWithPoints(service, log, points),
  bus: (bus) => busWithPoints(service, bus, points),
  area: (area, target) => areaWithPoints(service, area, target, points),
  projection: (projection) => projectionWithPoints(service, projection, points),
});

/** The plan that the environment has; empty where it has none. Throws what is wrong with it. */
export function failpointsIn(env: Readonly<Record<string, string | undefined>>): Failpoint[] {
  const text = env[FAILPOINTS_VARIABLE] ?? '';
  try {
    return parseFailpoints(text);
  } catch (error) {
    throw new Error(`${FAILPOINTS_VARIABLE}: ${(error as Error).message}`, { cause: error });
  }
}

/** The seams of this process. Entries of other services are theirs: one plan may serve a stack. */
export function installSeams(
  service: string,
  plan: readonly Failpoint[],
  logger: Pick<Logger, 'warn' | 'info'>,
): Seams {
  if (plan.length === 0) return noSeams;
  const own = plan.filter(({ point }) => point.startsWith(`${service}.`));
  logger.warn(
    { failpoints: own },
    `${FAILPOINTS_VARIABLE} is set: this process harms itself on purpose. Never outside of tests.`,
  );
  const planned = plannedPoints(own, processActions, ({ point, hit, action }) =>
    logger.warn({ failpoint: point, hit, action }, 'a failpoint is carried out'),
  );
  const met = new Set<string>();
  return seamsWith(service, {
    reach: (point) => {
      if (!met.has(point)) {
        met.add(point);
        logger.info({ failpoint: point }, 'a failpoint is passed for the first time');
      }
      return planned.reach(point);
    },
  });
}

const processActions = {
  crash: () => {
    process.kill(process.pid, 'SIGKILL'); // S2
    return new Promise<never>(() => undefined);
  },
  stop: async (_: string, ms: number) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms); // S3
  },
  delay: async (_: string, ms: number) => {
    await delay(ms);
  },
};
