/**
 * What every bus does alike, whatever carries it: commands, questions, answers, listening, and what a
 * delivery needs to be settled. How messages are stored and taken, and the end of it all, belong to
 * those who extend it (`jetstream-bus.ts`, `memory-bus.ts`).
 */
import { setMaxListeners } from 'node:events';
import { endsWithin, MAX_INLINE_BYTES, TerminalError } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import type {
  Attributes,
  Backlog,
  Bus,
  ClaimCheck,
  ConsumeOptions,
  Outgoing,
  QueryHandler,
  QueryOptions,
  Reaction,
  Subscription,
} from './bus';
import type { BusLogger, BusMetrics, Clock } from './bus-hooks';
import { checkIn, HEADROOM_BYTES } from './claim-check';
import { headersOf } from './cloud-events';
import { burialOf } from './dead-letter';
import type { DeadLetters } from './dead-letters';
import { Deliverer } from './delivery';
import type { Outlet } from './delivery';
import { hearBroadcasts } from './listening';
import { overhearWire } from './overhear';
import type { Foreign, OverheardReaction } from './overhear';
import { answerOn, packJson, Requests } from './requests';
import { checkSubject } from './wire';
import type { Headers, Wire } from './wire';

export interface BusParts<W extends Wire> {
  readonly wire: W;
  /** The service. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly claimCheck: ClaimCheck | undefined;
  readonly logger: BusLogger;
  readonly metrics: BusMetrics;
}

export abstract class BusOverWire<W extends Wire = Wire> implements Bus {
  abstract readonly deadLetters: DeadLetters;
  protected readonly requests: Requests;
  protected readonly stopping = new AbortController();
  private readonly answers = new Set<Subscription>();

  constructor(protected readonly parts: BusParts<W>) {
    this.requests = new Requests(parts.wire, parts.clock, parts.claimCheck);
    setMaxListeners(0, this.stopping.signal);
  }

  /** Into a stream, as it is; resolves when it is stored. Throws when the bus is closed. */
  abstract publish(subject: string, body: Uint8Array, headers: Headers): Promise<void>;
  abstract consume<T>(
    consumer: ConsumerDefinition,
    options: ConsumeOptions<T>,
    reaction: Reaction<T>,
  ): Promise<Subscription>;
  abstract backlog(consumers: readonly ConsumerDefinition[]): Promise<Backlog>;
  /** A consumer, for others to take from. */
  protected abstract makeQueue(queue: ConsumerDefinition): Promise<void>;
  abstract broadcast(subject: string, bytes: Uint8Array): void;
  abstract health(): { ok: boolean; detail: string };
  abstract drain(graceMs: number): Promise<void>;

  async send(message: Outgoing): Promise<void> {
    checkSubject(message.subject);
    const bytes = Buffer.from(message.dataText);
    if (bytes.length <= MAX_INLINE_BYTES) {
      return this.publish(message.subject, bytes, headersOf(message));
    }
    const { wire, claimCheck } = this.parts;
    const limit = wire.maxPayload - HEADROOM_BYTES;
    const parcel = await checkIn(bytes, claimCheck, MAX_INLINE_BYTES, limit);
    return this.publish(message.subject, parcel.body, headersOf(message, parcel.dataref));
  }

  async offer(queue: ConsumerDefinition, message: Outgoing): Promise<void> {
    checkSubject(message.subject);
    const bytes = Buffer.from(message.dataText);
    const limit = this.parts.wire.maxPayload - HEADROOM_BYTES;
    if (bytes.length > limit) {
      const text = `the message to ${message.subject} has ${bytes.length} bytes, more than the ${limit} that NATS takes: make it smaller, or name files by digest`;
      throw new TerminalError('too-large', text);
    }
    await this.makeQueue(queue);
    return this.publish(message.subject, bytes, headersOf(message));
  }

  ask(message: Outgoing, timeoutMs: number): Promise<unknown> {
    const reply = this.requests.open(`the command to ${message.subject}`, timeoutMs);
    // Each asking has a message id of its own: the stream would swallow a command that is asked
    // again, and nobody would answer it. Who decides it knows it by its id.
    const asked = { ...message, replyTo: reply.subject, messageId: reply.subject };
    this.send(asked).catch((error: Error) => reply.fail(error));
    return reply.answer;
  }

  query(subject: string, data: unknown, options?: QueryOptions): Promise<unknown> {
    return this.requests.query(subject, data, options);
  }

  async answer(subject: string, handler: QueryHandler): Promise<Subscription> {
    const answering = answerOn(this.parts.wire, subject, handler, this.parts);
    this.answers.add(answering);
    await this.parts.wire.flush();
    return {
      close: () => {
        this.answers.delete(answering);
        return answering.close();
      },
    };
  }

  async listen(
    subject: string,
    heard: (subject: string, bytes: Uint8Array, attributes?: Attributes) => void,
  ): Promise<Subscription> {
    const listening = hearBroadcasts(this.parts.wire, subject, heard, this.parts);
    await this.parts.wire.flush();
    return listening;
  }

  async overhear(foreign: Foreign, reaction: OverheardReaction): Promise<Subscription> {
    if (foreign.stream !== undefined) throw new Error(`there is no stream ${foreign.stream} here`);
    const hearing = overhearWire(this.parts.wire, foreign, reaction, this.parts);
    await this.parts.wire.flush();
    return hearing;
  }

  /** Streams of others are a server's; see `jetstream-bus.ts`. */
  streamOf(_filter: string): Promise<string | undefined> {
    return Promise.resolve(undefined);
  }

  forget(_foreign: { readonly stream: string; readonly name: string }): Promise<void> {
    return Promise.resolve();
  }

  protected deliverer<T>(
    consumer: ConsumerDefinition,
    options: ConsumeOptions<T>,
    reaction: Reaction<T>,
  ): Deliverer<T> {
    return new Deliverer(consumer, options, reaction, this.outlet());
  }

  /** Takes no more questions; those under way get so long to be answered. */
  protected async closeAnswers(withinMs: number): Promise<void> {
    const closing = Promise.all([...this.answers].map((answering) => answering.close()));
    await endsWithin(withinMs, closing, this.parts.clock);
  }

  private outlet(): Outlet {
    const { wire, name, claimCheck, logger } = this.parts;
    return {
      ...this.parts,
      signal: this.stopping.signal,
      answer: async (replyTo, value) => {
        try {
          const { body, headers } = await packJson(value, wire, claimCheck);
          wire.publish(replyTo, body, headers);
        } catch (error) {
          logger.error({ replyTo, err: error }, 'an answer could not be sent');
        }
      },
      bury: async (letter, messageId, origin) => {
        const { subject, body, headers } = burialOf(letter, messageId, origin, name);
        await this.publish(subject, body, headers);
      },
    };
  }
}
