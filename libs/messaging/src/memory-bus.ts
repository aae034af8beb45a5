/**
 * The bus in memory: one process's connection to a `MemoryServer`. The same reading, settling,
 * asking and answering as over JetStream; only the carrying is another.
 */
import { setMaxListeners } from 'node:events';
import { MAX_INLINE_BYTES, streams } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import type {
  Attributes,
  Bus,
  ClaimCheck,
  ConsumeOptions,
  Outgoing,
  QueryHandler,
  QueryOptions,
  Reaction,
  Subscription,
} from './bus';
import { SendError } from './bus-errors';
import { silentLogger } from './bus-hooks';
import type { BusLogger, BusMetrics } from './bus-hooks';
import { checkIn, HEADROOM_BYTES } from './claim-check';
import { headersOf, MESSAGE_ID_HEADER } from './cloud-events';
import { burialOf } from './dead-letter';
import { DeadLetters } from './dead-letters';
import type { Shelf } from './dead-letters';
import { Deliverer } from './delivery';
import type { Outlet } from './delivery';
import { hearBroadcasts } from './listening';
import { MemoryServer } from './memory-server';
import { MemoryTaking } from './memory-taking';
import { answerOn, packJson, Requests } from './requests';
import { checkSubject } from './wire';
import type { Headers, Wire } from './wire';

export interface MemoryBusOptions {
  /** Shared by the processes that are to reach each other. Default: one of its own. */
  readonly server?: MemoryServer;
  readonly name?: string;
  readonly claimCheck?: ClaimCheck;
  readonly logger?: BusLogger;
  readonly metrics?: BusMetrics;
}

export class MemoryBus implements Bus {
  readonly deadLetters: DeadLetters;
  readonly server: MemoryServer;
  private readonly name: string;
  private readonly logger: BusLogger;
  private readonly wire: Wire;
  private readonly requests: Requests;
  private readonly stopping = new AbortController();
  private readonly takings = new Set<MemoryTaking>();
  private readonly answers = new Set<Subscription>();
  private state: 'connected' | 'draining' | 'closed' = 'connected';

  constructor(private readonly options: MemoryBusOptions = {}) {
    this.server = options.server ?? new MemoryServer();
    this.name = options.name ?? 'memory';
    this.logger = options.logger ?? silentLogger;
    this.wire = this.server.wireOf(this, this.name);
    this.requests = new Requests(this.wire, this.server.clock, options.claimCheck);
    this.deadLetters = new DeadLetters(this.shelf(), options.claimCheck);
    setMaxListeners(0, this.stopping.signal);
  }

  async send(message: Outgoing): Promise<void> {
    checkSubject(message.subject);
    const limit = this.wire.maxPayload - HEADROOM_BYTES;
    const bytes = Buffer.from(message.dataText);
    const parcel = await checkIn(bytes, this.options.claimCheck, MAX_INLINE_BYTES, limit);
    await this.publish(message.subject, parcel.body, headersOf(message, parcel.dataref));
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

  ask(message: Outgoing, timeoutMs: number): Promise<unknown> {
    const reply = this.requests.open(`the command to ${message.subject}`, timeoutMs);
    // Each asking has a message id of its own: the stream would swallow a command that is asked
    // again, and nobody would answer it. Who decides it knows it by its id.
    const asked = { ...message, replyTo: reply.subject, messageId: reply.subject };
    this.send(asked).catch((error: Error) => reply.fail(error));
    return reply.answer;
  }

  async consume<T>(
    consumer: ConsumerDefinition,
    options: ConsumeOptions<T>,
    reaction: Reaction<T>,
  ): Promise<Subscription> {
    if (this.state !== 'connected') throw new Error(`the bus is draining: no ${consumer.name}`);
    const deliverer = new Deliverer(consumer, options, reaction, this.outlet());
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

  query(subject: string, data: unknown, options?: QueryOptions): Promise<unknown> {
    return this.requests.query(subject, data, options);
  }

  async answer(subject: string, handler: QueryHandler): Promise<Subscription> {
    const { claimCheck } = this.options;
    const answers = answerOn(this.wire, subject, handler, { claimCheck, logger: this.logger });
    this.answers.add(answers);
    return answers;
  }

  broadcast(subject: string, bytes: Uint8Array): void {
    checkSubject(subject);
    if (this.state !== 'closed') this.wire.publish(subject, bytes);
  }

  async listen(
    subject: string,
    heard: (subject: string, bytes: Uint8Array, attributes?: Attributes) => void,
  ): Promise<Subscription> {
    const { claimCheck } = this.options;
    return hearBroadcasts(this.wire, subject, heard, { claimCheck, logger: this.logger });
  }

  health(): { ok: boolean; detail: string } {
    return { ok: this.state === 'connected', detail: `memory: ${this.state}` };
  }

  async drain(graceMs: number): Promise<void> {
    if (this.state !== 'connected') return;
    this.state = 'draining';
    this.stopping.abort(new Error('the process stops'));
    for (const taking of this.takings) taking.close();
    await Promise.all([...this.takings].map((taking) => taking.finish(graceMs)));
    await Promise.all([...this.answers].map((answers) => answers.close()));
    this.requests.close('the process stops');
    this.server.disconnect(this);
    this.state = 'closed';
  }

  /** The process is gone from one moment to the next: nothing it still does reaches anybody. */
  crash(): void {
    this.state = 'closed';
    for (const taking of this.takings) taking.crash();
    this.server.disconnect(this);
  }

  private outlet(): Outlet {
    const { claimCheck } = this.options;
    return {
      clock: this.server.clock,
      random: this.server.random,
      logger: this.logger,
      metrics: this.options.metrics ?? {},
      claimCheck,
      signal: this.stopping.signal,
      answer: async (replyTo, value) => {
        try {
          const { body, headers } = await packJson(value, this.wire, claimCheck);
          if (this.state !== 'closed') this.wire.publish(replyTo, body, headers);
        } catch (error) {
          this.logger.error({ replyTo, err: error }, 'an answer could not be sent');
        }
      },
      bury: async (letter, messageId, origin) => {
        const burial = burialOf(letter, messageId, origin, this.name);
        await this.publish(burial.subject, burial.body, burial.headers);
      },
    };
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
