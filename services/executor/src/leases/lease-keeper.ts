/**
 * Keeps what this process holds: leases, reservations. Owns when a run counts as lost:
 *
 * H1 The database says that the lease is another's.
 * H2 It could not be renewed for so long that another may have it by now.
 *
 * With each beat the log is asked whether what runs here is still wanted, since the message that
 * says so may have been missed.
 */
import type { ActiveRuns } from '../active-runs';
import type { DirectiveWatch } from '../directive-watch';
import type { RunCache } from '../run-cache/run-cache';
import type { Leases } from './leases';

export interface LeaseKeeperOptions {
  readonly leases: Leases;
  readonly active: ActiveRuns;
  readonly cache: Pick<RunCache, 'beat'>;
  readonly watch: Pick<DirectiveWatch, 'look'>;
  readonly everyMs: number;
  /** So long before its time is over a lease that was not renewed counts as lost. */
  readonly marginMs: number;
  readonly logger: { warn(fields: object, message: string): void };
}

export class LeaseKeeper {
  private timers: NodeJS.Timeout[] = [];
  private beating: Promise<void> | undefined;

  constructor(private readonly options: LeaseKeeperOptions) {}

  start(): void {
    const { everyMs } = this.options;
    this.timers = [
      setInterval(() => void this.beat(), everyMs),
      // Of its own: a beat may hang on a database that does not answer.
      setInterval(() => this.loseUnrenewed(), Math.min(500, everyMs)),
    ];
    for (const timer of this.timers) timer.unref();
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.beating;
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
    const { leases, active, logger } = this.options;
    const held = active.leased();
    const sentAt = performance.now();
    const ours = await leases.renew(held.flatMap(({ lease }) => lease ?? []));
    for (const run of held) {
      if (ours.has(run.work.runId)) run.renewedAt = sentAt;
      else if (run.lease !== undefined) {
        logger.warn({ runId: run.work.runId }, 'the lease is lost: somebody else has taken over');
        run.end('lost'); // H1
      }
    }
  }

  private loseUnrenewed(): void {
    const { leases, active, marginMs, logger } = this.options;
    const limit = leases.ttlMs - marginMs;
    for (const run of active.leased()) {
      if (performance.now() - run.renewedAt < limit || run.stop.aborted) continue;
      logger.warn({ runId: run.work.runId }, 'the lease could not be renewed in time: it is lost');
      run.end('lost'); // H2
    }
  }

  private async obeyCancellations(): Promise<void> {
    const { active, watch } = this.options;
    for (const run of active.leased()) {
      const { directiveId, runId } = run.work;
      if ((await watch.look(directiveId, runId)) === 'cancelled') active.cancel(runId);
    }
  }
}
