/**
 * The bus in memory: one process's connection to a `MemoryServer`. The same reading, settling,
 * asking and answering as over JetStream; only the carrying is another.
 */
import { streams } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import type { Backlog, ClaimCheck, ConsumeOptions, Reaction, Subscription } from './bus';
import { SendError } from './bus-errors';
import { silentLogger } from './bus-hooks';
import type { BusLogger, BusMetrics } from './bus-hooks';
import { BusOverWire } from './bus-over-wire';
import { MESSAGE_ID_HEADER } from './cloud-events';
import { DeadLetters } from './dead-letters';
import type { Shelf } from './dead-letters';
import { MemoryServer } from './memory-server';
import { MemoryTaking } from './memory-taking';
import { checkSubject } from './wire';
import type { Headers } from './wire';

export interface MemoryBusOptions {
  /** Shared by the processes that are to reach each other. Default: one of its own. */
  readonly server?: MemoryServer;
  readonly name?: string;
  readonly claimCheck?: ClaimCheck;
  readonly logger?: BusLogger;
  readonly metrics?: BusMetrics;
}

export class MemoryBus extends BusOverWire {
  readonly deadLetters: DeadLetters;
  readonly server: MemoryServer;
  private readonly takings = new Set<MemoryTaking>();
  private state: 'connected' | 'draining' | 'closed' = 'connected';
  private draining: Promise<void> | undefined;

  constructor(options: MemoryBusOptions = {}) {
    const { server = new MemoryServer(), name = 'memory', claimCheck } = options;
    const { logger = silentLogger, metrics = {} } = options;
    const { clock, random } = server;
    super({ wire: server.wireOf(name), name, clock, random, claimCheck, logger, metrics });
    this.server = server;
    this.deadLetters = new DeadLetters(this.shelf(), claimCheck);
  }

  /** Into a stream, as it is: what a client in another language may send. */
  async publish(subject: string, body: Uint8Array, headers: Headers): Promise<void> {
    if (this.state === 'closed') throw new Error('the bus is closed: nothing can be sent any more');
    const { clock, faults } = this.server;
    const stored = new Map([...headers].map(([name, value]) => [name.toLowerCase(), value]));
    const messageId = stored.get(MESSAGE_ID_HEADER) ?? '';
    const fate = faults.send?.({ subject, messageId }) ?? {};
    if (fate.refuse) throw new SendError(`a message to ${subject} was not stored (a fault)`);
    const { delayMs } = fate;
    if (delayMs !== undefined) await new Promise<void>((done) => clock.after(delayMs, done));
    if (fate.drop) return;
    this.server.store(subject, body, stored);
    for (let copy = 1; copy <= (fate.copies ?? 0); copy += 1) {
      // Under an id of its own, as after the stream's window has passed.
      const headers = new Map(stored).set(MESSAGE_ID_HEADER, `${messageId}#${copy}`);
      this.server.store(subject, body, headers);
    }
  }

  async consume<T>(
    consumer: ConsumerDefinition,
    options: ConsumeOptions<T>,
    reaction: Reaction<T>,
  ): Promise<Subscription> {
    if (this.state !== 'connected') throw new Error(`the bus is draining: no ${consumer.name}`);
    const deliverer = this.deliverer(consumer, options, reaction);
    const taking = new MemoryTaking(this.server, consumer, options.concurrency, (delivery) => {
      return deliverer.deliver(delivery);
    });
    this.takings.add(taking);
    return {
      close: async () => {
        taking.close();
        await taking.finish(consumer.ackWaitMs);
        this.takings.delete(taking);
      },
    };
  }

  protected async makeQueue(queue: ConsumerDefinition): Promise<void> {
    this.server.consumer(queue);
  }

  async backlog(consumers: readonly ConsumerDefinition[]): Promise<Backlog> {
    return this.server.backlog(consumers);
  }

  broadcast(subject: string, bytes: Uint8Array): void {
    checkSubject(subject);
    this.parts.wire.publish(subject, bytes);
  }

  health(): { ok: boolean; detail: string } {
    return { ok: this.state === 'connected', detail: `memory: ${this.state}` };
  }

  drain(graceMs: number): Promise<void> {
    this.draining ??= this.end(graceMs);
    return this.draining;
  }

  private async end(graceMs: number): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'draining';
    this.stopping.abort(new Error('the process stops'));
    for (const taking of this.takings) taking.close();
    await Promise.all([...this.takings].map((taking) => taking.finish(graceMs)));
    await this.closeAnswers(graceMs);
    this.requests.close('the process stops');
    this.server.disconnect(this.parts.wire);
    this.state = 'closed';
  }

  /** The process is gone from one moment to the next: nothing it still does reaches anybody. */
  crash(): void {
    this.state = 'closed';
    for (const taking of this.takings) taking.crash();
    this.server.disconnect(this.parts.wire);
  }

  /** As if the process were stopped (SIGSTOP) and went on: meanwhile it keeps no message. */
  standStill(still: boolean): void {
    for (const taking of this.takings) taking.standStill(still);
  }

  private shelf(): Shelf {
    const letters = () => this.server.messagesOf(streams.dead.name);
    return {
      bounds: async () => {
        const sequences = [...letters().keys()];
        return { first: sequences[0] ?? 1, last: sequences.at(-1) ?? 0 };
      },
      read: async (sequence) => letters().get(sequence),
      remove: async (sequence) => void letters().delete(sequence),
      publish: (subject, body, headers) => this.publish(subject, body, headers),
    };
  }
}
