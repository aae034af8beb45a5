/**
 * The read models of a service: kept behind the log while it runs, and built anew when asked. Owns
 * no table; what is written is in the projections of the service.
 */
import type { Clock, RebuildReport } from '@writ/contracts';
import {
  Follower,
  postgresSeats,
  rebuild,
  SpareTime,
  type EventLog,
  type Projection,
  type Seats,
} from '@writ/event-log';
import type { Appends } from './connect';
import { noSeams, type Seams } from './installed-seams';
import { watchFollowers, type Logger, type Registry, type StopStep } from '@writ/observability';

export interface ReadModelsOptions {
  readonly url: string;
  readonly log: EventLog;
  readonly appends: Pick<Appends, 'listen'>;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly projections: readonly Projection[];
  /** Default: in the database. */
  readonly seats?: Seats;
  readonly seams?: Pick<Seams, 'projection'>;
  /** They leave a busy machine to work that somebody waits for (`SpareTime`). */
  readonly giveWay?: boolean;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export class ReadModels {
  private followers: Follower[] = [];

  constructor(private readonly options: ReadModelsOptions) {}

  /** Follows the log: at once what this process appends, what others append within a second. */
  begin(): void {
    const { url, log, appends, logger, registry, projections, clock, random } = this.options;
    const { seats = postgresSeats(url), seams = noSeams, giveWay = false } = this.options;
    this.followers = projections.map(
      (projection) =>
        new Follower({
          ...{ seats, log, clock, random, projection: seams.projection(projection) },
          spareTime: giveWay ? new SpareTime() : undefined,
          onError: (error) =>
            logger.error({ err: error, projection: projection.name }, 'a read model stands still'),
        }),
    );
    appends.listen(() => this.followers.forEach((follower) => follower.wake()));
    const named = projections.map(({ name }, at) => [name, this.followers[at]]);
    watchFollowers(registry, Object.fromEntries(named) as Record<string, Follower>);
  }

  /** Resolves when they have what stands in the log now; at the latest, or where others write, after so long. */
  async upToNow(withinMs: number): Promise<void> {
    const { position } = await this.options.log.head();
    const late = () => undefined;
    await Promise.all(this.followers.map((it) => it.waitFor(position, withinMs).catch(late)));
  }

  readonly stop: StopStep = {
    name: 'stop the read models',
    limitMs: 5_000,
    run: async () => {
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
