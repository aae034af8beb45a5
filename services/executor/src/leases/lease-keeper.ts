/**
 * Keeps what this process holds: leases, reservations. Owns when a run counts as lost:
 *
 * H1 The database says that the lease is another's.
 * H2 It could not be renewed for so long that another may have it by now.
 *
 * With each beat the log is asked whether what runs here is still wanted, since the message that
 * says so may have been missed.
 */
import { every, type Clock } from '@writ/contracts';
import type { ActiveRuns } from '../active-runs';
import type { DirectiveWatch } from '../directive-watch';
import type { RunCache } from '../run-cache/run-cache';
import { surelyOursMs, type Leases } from './leases';

export interface LeaseKeeperOptions {
  readonly leases: Leases;
  readonly active: ActiveRuns;
  readonly cache: Pick<RunCache, 'beat'>;
  readonly watch: Pick<DirectiveWatch, 'look'>;
  readonly everyMs: number;
  readonly logger: { warn(fields: object, message: string): void };
  readonly clock: Clock;
}

export class LeaseKeeper {
  private takeBack: (() => void)[] = [];
  private beating: Promise<void> | undefined;

  constructor(private readonly options: LeaseKeeperOptions) {}

  start(): void {
    const { clock, everyMs } = this.options;
    this.takeBack = [
      every(clock, everyMs, () => void this.beat()),
      // Of its own: a beat may hang on a database that does not answer.
      every(clock, Math.min(500, everyMs), () => this.loseUnrenewed()),
    ];
  }

  async stop(): Promise<void> {
    for (const end of this.takeBack) end();
    await this.beating;
  }

  /**
   * How long from now everything that runs here is surely ours, should nothing be renewed meanwhile:
   * for the warden, which ends it then when this process cannot (H2). Infinite when nothing runs.
   */
  leftMs(): number {
    const { active, clock } = this.options;
    const held = active.leased().filter(({ stoppedBy }) => stoppedBy !== 'lost');
    return Math.min(...held.map(({ oursUntil }) => oursUntil)) - clock.now();
  }

  /** One at a time; never rejects. */
  beat(): Promise<void> {
    this.beating ??= this.once().finally(() => (this.beating = undefined));
    return this.beating;
  }

  private async once(): Promise<void> {
    const { cache, logger } = this.options;
    const parts = [() => this.renew(), () => cache.beat(), () => this.obeyCancellations()];
    for (const part of parts) {
      try {
        await part();
      } catch (error) {
        logger.warn({ err: error }, 'a heartbeat of leases failed; it is tried again');
      }
    }
  }

  private async renew(): Promise<void> {
    const { leases, active, logger, clock } = this.options;
    const held = active.leased();
    const sentAt = clock.now();
    const ours = await leases.renew(held.flatMap(({ lease }) => lease ?? []));
    for (const run of held) {
      if (ours.has(run.work.runId)) run.oursUntil = sentAt + surelyOursMs(leases);
      else if (run.lease !== undefined) {
        logger.warn({ runId: run.work.runId }, 'the lease is lost: somebody else has taken over');
        run.end('lost'); // H1
      }
    }
  }

  private loseUnrenewed(): void {
    const { active, logger, clock } = this.options;
    for (const run of active.leased()) {
      if (run.stop.aborted || !run.endUnlessOurs(clock.now())) continue; // H2
      logger.warn({ runId: run.work.runId }, 'the lease could not be renewed in time: it is lost');
    }
  }

  private async obeyCancellations(): Promise<void> {
    const { active, watch } = this.options;
    // Those that wait for a place hold no lease.
    for (const run of active.all()) {
      const { directiveId, runId } = run.work;
      if ((await watch.look(directiveId, runId)) === 'cancelled') active.cancel(runId);
    }
  }
}
