/**
 * Tells the relay which positions this process has published, so that it publishes the others only.
 * Collects for a moment and sends ranges; no timer runs while there is nothing to tell. A report
 * that gets lost costs a message sent twice.
 */
import { systemClock, type Clock } from '@writ/contracts';
import { encodeRanges, PositionRanges } from './position-ranges';

export interface PublishedReporterOptions {
  /** Sends the bytes to whoever runs a relay, on `subjects.published`. */
  readonly broadcast: (bytes: Uint8Array) => void;
  /** Default 100. The relay waits a second, so it must be well below that. */
  readonly everyMs?: number;
  readonly clock?: Clock;
}

export class PublishedReporter {
  private readonly collected = new PositionRanges();
  private takeBack: (() => void) | undefined;

  constructor(private readonly options: PublishedReporterOptions) {}

  /** The message server has the event at this position. */
  published(position: number): void {
    this.collected.add(position);
    const { clock = systemClock, everyMs = 100 } = this.options;
    this.takeBack ??= clock.after(everyMs, () => this.flush());
  }

  /** Sends what is collected; call it before the process ends. */
  flush(): void {
    this.takeBack?.();
    this.takeBack = undefined;
    if (this.collected.length > 0) this.options.broadcast(encodeRanges(this.collected.take()));
  }
}
