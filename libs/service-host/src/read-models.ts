/**
 * The read models of a service: kept behind the log while it runs, and built anew when asked. Owns
 * no table; what is written is in the projections of the service.
 */
import type { RebuildReport } from '@writ/contracts';
import { Follower, rebuild, type EventLog, type Projection } from '@writ/event-log';
import type { Bus } from '@writ/messaging';
import { metricsOf, type Logger, type Registry, type StopStep } from '@writ/observability';

export interface ReadModelsOptions {
  readonly url: string;
  readonly log: EventLog;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly projections: readonly Projection[];
}

const measureEveryMs = 1_000;

export class ReadModels {
  private followers: Follower[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ReadModelsOptions) {}

  /** Follows the log; any event that passes on the bus wakes the followers. */
  async begin(): Promise<void> {
    const { url, log, bus, logger, registry, projections } = this.options;
    this.followers = projections.map(
      (projection) =>
        new Follower({
          url,
          log,
          projection,
          onError: (error) =>
            logger.error({ err: error, projection: projection.name }, 'a read model stands still'),
        }),
    );
    await bus.listen('writ.event.>', () => this.followers.forEach((follower) => follower.wake()));
    const metrics = metricsOf(registry, 'projections');
    const counted = new Map<string, number>();
    this.timer = setInterval(() => {
      this.followers.forEach((follower, at) => {
        const projection = projections[at]?.name ?? '';
        metrics.projectionLagEvents.set({ projection }, follower.lag);
        metrics.projectionEvents.inc(
          { projection },
          follower.applied - (counted.get(projection) ?? 0),
        );
        counted.set(projection, follower.applied);
      });
    }, measureEveryMs);
    this.timer.unref();
  }

  readonly stop: StopStep = {
    name: 'stop the read models',
    limitMs: 5_000,
    run: async () => {
      clearInterval(this.timer);
      await Promise.all(this.followers.map((follower) => follower.stop()));
    },
  };

  /** Builds each anew; compares it with the live one, or takes its place. */
  async rebuild(
    { check }: { check: boolean },
    onProgress: (progress: unknown) => void,
  ): Promise<RebuildReport> {
    const { url, log, projections } = this.options;
    const began = performance.now();
    const reports = [];
    for (const projection of projections) {
      reports.push(await rebuild({ url, log, projection, replace: !check, onProgress }));
    }
    return {
      events: Math.max(0, ...reports.map((report) => report.events)),
      seconds: Math.round(performance.now() - began) / 1000,
      projections: reports.map(({ name, rows, equal }) => ({ name, rows, equal })),
    };
  }
}
