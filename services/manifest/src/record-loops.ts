/**
 * The loops of the record's keeper: the relay, the sealing, the read models, the signed checkpoints.
 * Owns when they begin and end and what is seen of them; each does its own work in peace with the
 * same loops of other processes: one holds the lock, the others stand by.
 */
import { subjects, type Clock } from '@writ/contracts';
import { Checkpointer, Follower, Relay, SpareTime } from '@writ/event-log';
import type { CheckpointerOptions, EventLog, FollowerOptions, Seats } from '@writ/event-log';
import type { Bus } from '@writ/messaging';
import { beforeScrape, watchFollowers, watchRelay } from '@writ/observability';
import type { Logger, MetricsOf, Registry, StopStep } from '@writ/observability';
import { messageOf } from '@writ/service-host';
import { manifestRows } from './projections/manifest-rows';
import type { Sealing } from './seal-manifests';

export interface RecordLoopsOptions {
  readonly seats: Seats;
  readonly log: EventLog;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly metrics: MetricsOf<'manifest'>;
  readonly sealing: Sealing;
  /** Where checkpoints are signed to; without it none are. */
  readonly checkpoints?: Pick<CheckpointerOptions, 'file' | 'keyFile' | 'tally'>;
  /** Sealing and read models leave a busy machine to work that somebody waits for (`SpareTime`). */
  readonly giveWay?: boolean;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** How long an answer waits for the sealing to catch up. */
const CATCH_UP_MS = 4_000;
/** Nothing waits for it but whoever asks for a manifest that is not sealed yet. */
const sealingPace = { pageSize: 1_000, pollMs: 500 };

export class RecordLoops {
  private relay: Relay | undefined;
  private sealer: Follower | undefined;
  private rows: Follower | undefined;
  private checkpointer: Checkpointer | undefined;

  constructor(private readonly options: RecordLoopsOptions) {}

  async begin(): Promise<void> {
    const { bus, logger, registry, sealing } = this.options;
    this.relay = await this.openRelay();
    this.sealer = this.follow({ projection: sealing.projection, ...sealingPace }, () =>
      sealing.interrupted(),
    );
    this.rows = this.follow({ projection: manifestRows });
    watchRelay(registry, this.relay);
    watchFollowers(registry, { sealing: this.sealer, manifest: this.rows });
    this.signCheckpoints();
    logger.debug({ health: bus.health() }, 'the relay, the sealing and the read models follow');
  }

  readonly stop: readonly StopStep[] = [
    { name: 'stop the relay', limitMs: 5_000, run: () => this.relay?.stop() },
    { name: 'stop the sealing', limitMs: 5_000, run: () => this.sealer?.stop() },
    { name: 'stop the read models', limitMs: 5_000, run: () => this.rows?.stop() },
    { name: 'sign a last checkpoint', limitMs: 5_000, run: () => this.checkpointer?.stop() },
  ];

  /** Returns early, having sealed less, when that takes too long or another process seals. */
  async sealedUpToNow(): Promise<void> {
    const { position } = await this.options.log.head();
    await this.sealer?.waitFor(position, CATCH_UP_MS).catch((error: unknown) => {
      this.options.logger.debug({ err: error }, 'an answer did not wait longer for the sealing');
    });
  }

  private async openRelay(): Promise<Relay> {
    const { seats, log, bus, logger, clock, random } = this.options;
    const relay = new Relay({
      ...{ seats, log, clock, random },
      publish: (event) => bus.send(messageOf(event, event.dataText, '/writ/relay')),
      onError: (error) => logger.warn({ err: error }, 'the relay could not publish'),
    });
    await bus.listen(subjects.published, (_, bytes) => {
      try {
        relay.tracker.report(bytes);
      } catch (error) {
        logger.warn({ err: error }, 'a report of what was published cannot be read');
      }
    });
    return relay;
  }

  private follow(
    how: Pick<FollowerOptions, 'projection' | 'pageSize' | 'pollMs'>,
    interrupted: () => void = () => undefined,
  ): Follower {
    const { seats, log, logger, clock, random, giveWay = false } = this.options;
    const { name } = how.projection;
    return new Follower({
      ...{ seats, log, clock, random, ...how },
      spareTime: giveWay ? new SpareTime() : undefined,
      onError: (error) => {
        interrupted();
        logger.error({ err: error, projection: name }, `the ${name} stands still; trying again`);
      },
    });
  }

  private signCheckpoints(): void {
    const { log, logger, registry, metrics, checkpoints } = this.options;
    if (checkpoints === undefined) return;
    const checkpointer = new Checkpointer({
      log,
      ...checkpoints,
      onError: (error) => logger.error({ err: error }, 'a checkpoint could not be written'),
    });
    this.checkpointer = checkpointer;
    let known = 0;
    beforeScrape(registry, () => {
      if (checkpointer.position === known) return;
      known = checkpointer.position;
      metrics.checkpointPosition.set(known);
      metrics.checkpointTime.set(Date.now() / 1000);
    });
  }
}
