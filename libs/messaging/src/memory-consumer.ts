/**
 * Hands out the messages of one consumer in memory: to whichever process has a free slot, again
 * after the acknowledgement wait when its holder is gone, again after a delay when it was given back.
 */
import type { ConsumerDefinition } from '@writ/contracts';
import type { Delivery } from './delivery';
import type { MemoryServer, Stored } from './memory-server';
import { matchesSubject } from './wire';

/** One process that takes from the consumer. */
export interface Member {
  /** How many more it would begin now. */
  free: number;
  /** Its process is there: what it holds, it works on. */
  readonly alive: boolean;
  take(delivery: Delivery): void;
}

interface Held {
  /** Ends the wait for its acknowledgement. */
  cancel: () => void;
}

export class MemoryConsumer {
  /** Messages that are stored and not done with. */
  unsettled = 0;
  private readonly members: Member[] = [];
  private readonly ready: Stored[] = [];
  private readonly held = new Map<Stored, Held>();
  private readonly counts = new Map<Stored, number>();
  /** After a wipe nothing from before means anything. */
  private era = 0;
  private turn = 0;

  constructor(
    private readonly server: MemoryServer,
    readonly definition: ConsumerDefinition,
    private readonly done: (sequence: number) => void,
  ) {}

  /** Of these, what somebody has taken. */
  get inHands(): number {
    return this.held.size;
  }

  join(member: Member): void {
    this.members.push(member);
    this.handOut();
  }

  leave(member: Member): void {
    const at = this.members.indexOf(member);
    if (at >= 0) this.members.splice(at, 1);
  }

  offer(stored: Stored): void {
    if (!this.wants(stored.subject)) return;
    this.unsettled += 1;
    this.ready.push(stored);
    this.handOut();
  }

  reset(): void {
    this.era += 1;
    for (const held of this.held.values()) held.cancel();
    this.held.clear();
    this.counts.clear();
    this.unsettled = 0;
    this.ready.length = 0;
  }

  /** Called when a slot became free, too. */
  handOut(): void {
    while (this.ready.length > 0) {
      const member = this.nextMember();
      if (!member) return;
      this.deliver(this.ready.shift()!, member);
    }
  }

  private wants(subject: string): boolean {
    return matchesSubject(this.definition.subject, subject);
  }

  /** In turn, so that those who compete share. */
  private nextMember(): Member | undefined {
    for (let tried = 0; tried < this.members.length; tried += 1) {
      this.turn = (this.turn + 1) % this.members.length;
      const member = this.members[this.turn];
      if (member && member.free > 0) return member;
    }
    return undefined;
  }

  private deliver(stored: Stored, member: Member): void {
    const { clock, faults } = this.server;
    const consumer = this.definition.name;
    const deliveryCount = (this.counts.get(stored) ?? 0) + 1;
    this.counts.set(stored, deliveryCount);
    this.await(stored, member);
    const fate = faults.deliver?.({ subject: stored.subject, consumer, deliveryCount }) ?? {};
    if (fate.drop) {
      this.held.get(stored)?.cancel();
      this.await(stored, undefined);
      return;
    }
    for (let copy = 0; copy <= (fate.copies ?? 0); copy += 1) {
      member.free -= 1;
      const delivery = this.deliveryOf(stored, deliveryCount);
      clock.after(fate.delayMs ?? 0, () => member.take(delivery));
    }
  }

  /** While its holder is alive it says "working"; a holder that is gone says nothing. */
  private await(stored: Stored, holder: Member | undefined): void {
    const cancel = this.server.clock.after(this.definition.ackWaitMs, () => {
      if (holder?.alive) this.await(stored, holder);
      else this.again(stored, 0);
    });
    this.held.set(stored, { cancel });
  }

  private again(stored: Stored, delayMs: number): void {
    const { era } = this;
    this.held.get(stored)?.cancel();
    this.held.delete(stored);
    const ready = () => {
      if (this.era !== era) return;
      this.ready.push(stored);
      this.handOut();
    };
    if (delayMs > 0) this.server.clock.after(delayMs, ready);
    else ready();
  }

  private deliveryOf(stored: Stored, deliveryCount: number): Delivery {
    const { era } = this;
    const consumer = this.definition.name;
    let ended = false;
    // As in NATS, the first word counts, whoever says it; then there is nothing left to end.
    const isOpen = () => !ended && this.era === era && this.held.has(stored);
    const isLatest = () => this.counts.get(stored) === deliveryCount;
    const end = (what: () => void) => {
      const inTime = isOpen();
      ended = true;
      if (inTime) what();
    };
    const finish = () => {
      if (this.server.faults.ack?.({ subject: stored.subject, consumer })?.drop) {
        this.held.get(stored)?.cancel();
        this.await(stored, undefined);
        return;
      }
      this.held.get(stored)?.cancel();
      this.held.delete(stored);
      this.counts.delete(stored);
      this.unsettled -= 1;
      this.done(stored.sequence);
    };
    return {
      get held() {
        return isOpen() && isLatest();
      },
      subject: stored.subject,
      headers: stored.headers,
      body: stored.body,
      deliveryCount,
      origin: `${this.definition.stream}-${era}-${stored.sequence}`,
      ack: () => end(finish),
      term: () => end(finish),
      nak: (delayMs) => end(() => this.again(stored, delayMs)),
    };
  }
}
