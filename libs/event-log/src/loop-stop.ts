import { systemClock, type Clock } from '@writ/contracts';

/** The pauses of a loop, which end early when the loop is told to stop or, some of them, woken. */
export class LoopStop {
  private ended = false;
  private woken = false;
  private endWait: (() => void) | undefined;
  private endRest: (() => void) | undefined;

  constructor(private readonly clock: Clock = systemClock) {}

  get stopped(): boolean {
    return this.ended;
  }

  stop(): void {
    this.ended = true;
    this.endWait?.();
    this.endRest?.();
  }

  /** Ends the wait under way, or else the next one at once. */
  wake(): void {
    this.woken = true;
    this.endWait?.();
  }

  /** Until woken or stopped, at most `ms`. */
  async wait(ms: number): Promise<void> {
    if (!this.woken) await this.pause(ms, (end) => (this.endWait = end));
    this.woken = false;
  }

  /** Until stopped, at most `ms`. */
  async rest(ms: number): Promise<void> {
    if (ms > 0) await this.pause(ms, (end) => (this.endRest = end));
  }

  private async pause(ms: number, setEnd: (end: (() => void) | undefined) => void): Promise<void> {
    if (this.ended) return;
    await new Promise<void>((resolve) => {
      const takeBack = this.clock.after(ms, resolve);
      setEnd(() => {
        takeBack();
        resolve();
      });
    });
    setEnd(undefined);
  }
}
