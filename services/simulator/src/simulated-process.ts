/**
 * A process of a service, as far as the simulator needs one: what can happen to it, and that nothing
 * of it happens afterwards. Everything that goes on in a process comes through here.
 *
 * Q1 A process that is gone never gets another word in: its calls hang, its timers are silent.
 * Q2 A process that stands still (SIGSTOP) does nothing; all that came meanwhile comes when it goes on,
 *    in no order that it could rely on.
 * Q3 Its clock is its own: it begins when the process does, may run a little fast or slow, and tells
 *    a time of day that may jump.
 */
import type { Clock } from '@writ/contracts';
import type { SeededRandom } from '@writ/testing';
import type { VirtualTime } from './virtual-time';

export type ServiceName = 'planner' | 'executor' | 'verifier' | 'manifest';

const never = new Promise<never>(() => undefined);

export class SimulatedProcess {
  readonly clock: Clock;
  alive = true;
  still = false;
  private readonly bornAt: number;
  private readonly rate: number;
  private aheadMs: number;
  private held: (() => void)[] = [];
  private readonly whenGone: (() => void)[] = [];
  private readonly whenStill: ((still: boolean, ms: number) => void)[] = [];

  constructor(
    readonly service: ServiceName,
    readonly name: string,
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
  ) {
    this.bornAt = time.nowMs;
    this.rate = 0.998 + random.next() * 0.004; // Q3
    this.aheadMs = random.int(-400, 400);
    this.clock = {
      now: () => (this.time.nowMs - this.bornAt) * this.rate,
      time: () => this.time.date(this.aheadMs).toISOString(),
      after: (ms, call) => this.time.after(ms / this.rate, () => this.run(call)),
    };
  }

  /** Neither gone nor standing still. */
  get going(): boolean {
    return this.alive && !this.still;
  }

  /** Calls now, or when the process goes on, or never. */
  run(call: () => void): void {
    if (!this.alive) return; // Q1
    if (this.still) this.held.push(call);
    else call();
  }

  /** Resolves when the process may go on. */
  async gate(): Promise<void> {
    while (this.alive && this.still) await new Promise<void>((resolve) => this.held.push(resolve));
    if (!this.alive) await never; // Q1
  }

  /** Does it when the process may go on, or never. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    while (!this.going) await this.gate(); // both may have changed on the way here
    return work();
  }

  /** For what ends with the process. */
  onGone(call: () => void): void {
    this.whenGone.push(call);
  }

  /** For what notices from outside that it stands still, and goes on. */
  onStill(call: (still: boolean, ms: number) => void): void {
    this.whenStill.push(call);
  }

  crash(): void {
    if (!this.alive) return;
    this.alive = false;
    this.held = [];
    for (const call of this.whenGone) call();
  }

  standStill(ms: number): void {
    if (!this.alive || this.still) return;
    this.still = true;
    for (const call of this.whenStill) call(true, ms);
    this.time.after(ms, () => this.goOn());
  }

  /** The time of day that it tells is another one from now on. */
  jump(ms: number): void {
    this.aheadMs += ms;
  }

  private goOn(): void {
    if (!this.alive) return;
    this.still = false;
    for (const call of this.whenStill) call(false, 0);
    const held = this.random.shuffle(this.held.splice(0)); // Q2
    for (const call of held) this.time.after(0, () => this.run(call));
  }
}
