/** Bounds how many do something at a time; the others wait in the order in which they came. */

export class Slots {
  used = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(readonly size: number) {}

  /** How many wait. */
  get waitingFor(): number {
    return this.waiting.length;
  }

  /** Returns what gives the slot back. Throws the signal's reason when it aborts first. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.used < this.size) this.used += 1;
    else await this.wait(signal);
    let given = false;
    return () => {
      if (!given) this.give();
      given = true;
    };
  }

  private wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.waiting.splice(this.waiting.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.push(enter);
    });
  }

  /** The slot goes to the next one, or is free. */
  private give(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.used -= 1;
    else next();
  }
}
