/**
 * A message server in this process: streams, consumers, and messages that pass by, for tests and for
 * the simulator. Several buses connect to one server as several processes would. Owns what is stored
 * and who hears what passes; handing out the messages of a consumer is `memory-consumer.ts`.
 *
 * M1 Everything that takes time goes through the clock: with a seeded one a run repeats exactly.
 * M2 Faults happen only where `faults` says so, or when `wipe` is called.
 * M3 Sizes of streams are not limited, ages are; nothing survives the process.
 */
import { streams as allStreams } from '@writ/contracts';
import type { ConsumerDefinition, StreamDefinition } from '@writ/contracts';
import type { Backlog } from './bus';
import { systemClock } from './bus-hooks';
import type { Clock } from './bus-hooks';
import { MESSAGE_ID_HEADER } from './cloud-events';
import { MemoryConsumer } from './memory-consumer';
import { matchesSubject, noHeaders } from './wire';
import type { Headers, Wire, WireMessage, WireSubscription } from './wire';

/** What becomes of a message at one point of its way. Nothing said: it arrives, once, now. */
export interface Fate {
  readonly drop?: boolean;
  readonly delayMs?: number;
  /** How often it arrives besides. */
  readonly copies?: number;
}

export interface MemoryFaults {
  /** On the way into a stream; `refuse` lets the send fail, `drop` loses it after it was stored. */
  send?(message: { subject: string; messageId: string }): Fate & { readonly refuse?: boolean };
  /** On the way to a reaction. A dropped delivery comes again after the acknowledgement wait. */
  deliver?(message: { subject: string; consumer: string; deliveryCount: number }): Fate;
  /** An acknowledgement; a dropped one leads to another delivery. */
  ack?(message: { subject: string; consumer: string }): Fate;
  /** Of questions, answers and broadcasts. */
  pass?(message: { subject: string }): Fate;
}

export interface MemoryServerOptions {
  readonly clock?: Clock;
  /** 0 up to 1; where more than one choice is right. */
  readonly random?: () => number;
  readonly faults?: MemoryFaults;
  readonly streams?: readonly StreamDefinition[];
}

export interface Stored {
  readonly sequence: number;
  readonly subject: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly at: number;
}

interface MemoryStream {
  readonly definition: StreamDefinition;
  readonly messages: Map<number, Stored>;
  /** Message ids, and when they were stored. */
  readonly seen: Map<string, number>;
  last: number;
}

interface Subscriber {
  readonly wire: Wire;
  readonly pattern: string;
  readonly group: string | undefined;
  readonly heard: (message: WireMessage) => void;
}

const MAX_PAYLOAD = 1024 * 1024;

export class MemoryServer {
  readonly clock: Clock;
  readonly random: () => number;
  readonly faults: MemoryFaults;
  private readonly streams: MemoryStream[];
  private readonly consumers = new Map<string, MemoryConsumer>();
  private readonly subscribers = new Set<Subscriber>();
  private readonly wires = new Set<Wire>();
  private processes = 0;

  constructor(options: MemoryServerOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.faults = options.faults ?? {};
    const table = options.streams ?? Object.values(allStreams);
    this.streams = table.map((definition) => {
      return { definition, messages: new Map(), seen: new Map(), last: 0 };
    });
  }

  /** As if the server's storage had been deleted: nothing stored is left, and nobody is told. */
  wipe(): void {
    for (const stream of this.streams) {
      stream.messages.clear();
      stream.seen.clear();
      stream.last = 0;
    }
    for (const consumer of this.consumers.values()) consumer.reset();
  }

  /** Stores a message, and lets whoever listens hear it. False when it has its id already. */
  store(subject: string, body: Uint8Array, headers: Headers): boolean {
    const stream = this.streams.find(({ definition }) => {
      return definition.subjects.some((pattern) => matchesSubject(pattern, subject));
    });
    if (!stream) throw new Error(`no stream takes ${subject}: see the table of subjects`);
    const at = this.clock.now();
    this.forget(stream, at);
    const messageId = headers.get(MESSAGE_ID_HEADER);
    if (messageId !== undefined) {
      if (stream.seen.has(messageId)) return false;
      stream.seen.set(messageId, at);
    }
    stream.last += 1;
    const stored = { sequence: stream.last, subject, headers, body, at };
    stream.messages.set(stored.sequence, stored);
    for (const consumer of this.consumers.values()) {
      if (consumer.definition.stream === stream.definition.name) consumer.offer(stored);
    }
    this.pass(subject, body, headers, '');
    return true;
  }

  /** The consumer of this name, made when it is not there: it gets all that is stored. */
  consumer(definition: ConsumerDefinition): MemoryConsumer {
    const existing = this.consumers.get(definition.name);
    if (existing) return existing;
    const stream = this.stream(definition.stream);
    const consumer = new MemoryConsumer(this, definition, (sequence) => {
      if (stream.definition.retention === 'workqueue') stream.messages.delete(sequence);
    });
    this.consumers.set(definition.name, consumer);
    for (const stored of stream.messages.values()) consumer.offer(stored);
    return consumer;
  }

  /** How many messages consumers are not done with, all of them together. */
  unsettled(): number {
    return [...this.consumers.values()].reduce((sum, { unsettled }) => sum + unsettled, 0);
  }

  backlog(definitions: readonly ConsumerDefinition[]): Backlog {
    const found = definitions.flatMap(({ name }) => this.consumers.get(name) ?? []);
    const inHands = found.reduce((sum, consumer) => sum + consumer.inHands, 0);
    return { waiting: found.reduce((sum, it) => sum + it.unsettled, 0) - inHands, inHands };
  }

  /** What a stream holds, in order; for assertions and for the shelf of dead letters. */
  messagesOf(streamName: string): Map<number, Stored> {
    return this.stream(streamName).messages;
  }

  /** The wire of one process, until `disconnect`. */
  wireOf(name: string): Wire {
    this.processes += 1;
    const wire: Wire = {
      maxPayload: MAX_PAYLOAD,
      inbox: `_INBOX_${name}.${this.processes}`,
      publish: (subject, body, headers = noHeaders, replyTo = '') => {
        if (this.wires.has(wire)) this.pass(subject, body, headers, replyTo);
      },
      subscribe: (pattern, group, heard) => this.subscribe({ wire, pattern, group, heard }),
      flush: async () => undefined,
    };
    this.wires.add(wire);
    return wire;
  }

  /** Nothing that its process says is heard any more, and it hears nothing. */
  disconnect(wire: Wire): void {
    this.wires.delete(wire);
    for (const subscriber of this.subscribers) {
      if (subscriber.wire === wire) this.subscribers.delete(subscriber);
    }
  }

  private subscribe(subscriber: Subscriber): WireSubscription {
    this.subscribers.add(subscriber);
    return {
      drain: async () => {
        this.subscribers.delete(subscriber);
      },
    };
  }

  private stream(name: string): MemoryStream {
    const stream = this.streams.find(({ definition }) => definition.name === name);
    if (!stream) throw new Error(`there is no stream ${name}: see the table of subjects`);
    return stream;
  }

  private pass(subject: string, body: Uint8Array, headers: Headers, replyTo: string): void {
    const hearers = this.hearersOf(subject);
    const message = { subject, body, headers, replyTo, unheard: false };
    if (hearers.length === 0 && replyTo !== '') {
      const nobody = { ...message, subject: replyTo, body: new Uint8Array(0), unheard: true };
      for (const hearer of this.hearersOf(replyTo)) this.tell(hearer, nobody);
    }
    for (const hearer of hearers) this.tell(hearer, message);
  }

  private tell(hearer: Subscriber, message: WireMessage): void {
    const fate = this.faults.pass?.({ subject: message.subject }) ?? {};
    if (fate.drop) return;
    for (let copy = 0; copy <= (fate.copies ?? 0); copy += 1) {
      this.clock.after(fate.delayMs ?? 0, () => {
        if (this.subscribers.has(hearer)) hearer.heard(message);
      });
    }
  }

  /** Everyone without a group, and one of each group. */
  private hearersOf(subject: string): Subscriber[] {
    const all = [...this.subscribers].filter(({ pattern }) => matchesSubject(pattern, subject));
    const groups = new Map<string, Subscriber[]>();
    for (const one of all) {
      if (one.group === undefined) continue;
      groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
    }
    const chosen = [...groups.values()].map((members) => {
      return members[Math.floor(this.random() * members.length)]!;
    });
    return [...all.filter(({ group }) => group === undefined), ...chosen];
  }

  private forget(stream: MemoryStream, now: number): void {
    for (const [messageId, at] of stream.seen) {
      if (now - at < stream.definition.duplicateWindowMs) break; // in order of time
      stream.seen.delete(messageId);
    }
    for (const [sequence, { at }] of stream.messages) {
      if (now - at < stream.definition.maxAgeMs) break;
      stream.messages.delete(sequence);
    }
  }
}
