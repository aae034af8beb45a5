/** One process's part in a consumer in memory: what it runs, and how it leaves. */
import type { ConsumerDefinition } from '@writ/contracts';
import type { Delivery } from './delivery';
import type { Member } from './memory-consumer';
import type { MemoryServer } from './memory-server';

export class MemoryTaking implements Member {
  free: number;
  private gone = false;
  private still = false;
  private closed = false;
  private readonly running = new Set<Delivery>();
  private readonly whenEmpty = new Set<() => void>();

  constructor(
    private readonly server: MemoryServer,
    private readonly definition: ConsumerDefinition,
    concurrency: number,
    private readonly deliver: (delivery: Delivery) => Promise<void>,
  ) {
    this.free = concurrency;
    server.consumer(definition).join(this);
  }

  get alive(): boolean {
    return !this.gone && !this.still;
  }

  take(delivery: Delivery): void {
    if (this.gone) return;
    if (this.closed) return delivery.nak(0);
    this.running.add(delivery);
    void this.deliver(this.whileHere(delivery)).then(() => {
      this.running.delete(delivery);
      this.free += 1;
      if (this.running.size === 0) for (const resolve of this.whenEmpty) resolve();
      if (!this.closed) this.server.consumer(this.definition).handOut();
    });
  }

  close(): void {
    this.closed = true;
    this.server.consumer(this.definition).leave(this);
  }

  async finish(withinMs: number): Promise<void> {
    if (this.running.size > 0 && withinMs > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.server.clock.after(withinMs, resolve);
        this.whenEmpty.add(() => {
          cancel();
          resolve();
        });
      });
    }
    for (const delivery of this.running) delivery.nak(0);
    this.gone = true;
  }

  /** What it holds is delivered again once the acknowledgement wait is over. */
  crash(): void {
    this.close();
    this.gone = true;
  }

  /** A process that stands still asks for no more time: what it holds goes to others. */
  standStill(still: boolean): void {
    this.still = still;
  }

  /** A process that is gone has no word in what becomes of its messages. */
  private whileHere(delivery: Delivery): Delivery {
    const here = (say: () => void) => {
      if (!this.gone) say();
    };
    const isHeld = () => !this.gone && delivery.held;
    return {
      ...delivery,
      get held() {
        return isHeld();
      },
      ack: () => here(() => delivery.ack()),
      nak: (delayMs) => here(() => delivery.nak(delayMs)),
      term: () => here(() => delivery.term()),
    };
  }
}
