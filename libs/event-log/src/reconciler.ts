/**
 * Calls `reconcile` at the start and again and again, a fixed time after the last call ended, so
 * that calls never overlap. One that fails is reported and tried again at the next turn.
 */
import { systemClock, type Clock } from '@writ/contracts';
import { LoopStop } from './loop-stop';

export interface ReconcilerOptions {
  readonly reconcile: () => Promise<void>;
  readonly everyMs: number;
  /** Hears every failure; for the logger and the metrics. */
  readonly onError: (error: unknown) => void;
  readonly clock?: Clock;
}

export class Reconciler {
  /** Calls that ended, well or not. */
  rounds = 0;
  failures = 0;
  lastError: unknown;

  private readonly loop: LoopStop;
  private readonly working: Promise<void>;

  constructor(private readonly options: ReconcilerOptions) {
    this.loop = new LoopStop(options.clock ?? systemClock);
    this.working = this.work();
  }

  /** Reconciles as soon as the call under way, if any, has ended. */
  wake(): void {
    this.loop.wake();
  }

  /** Waits for the call under way. */
  async stop(): Promise<void> {
    this.loop.stop();
    await this.working;
  }

  private async work(): Promise<void> {
    while (!this.loop.stopped) {
      try {
        await this.options.reconcile();
      } catch (error) {
        this.failures += 1;
        this.lastError = error;
        this.options.onError(error);
      }
      this.rounds += 1;
      await this.loop.wait(this.options.everyMs);
    }
  }
}
