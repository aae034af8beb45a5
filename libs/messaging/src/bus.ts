/**
 * The bus: what it promises, whatever carries it. Two implementations stand under it, JetStream
 * (`jetstream-bus.ts`) and memory (`memory-bus.ts`); `bus.conformance.ts` asks both the same.
 *
 * B1 A message that was sent is delivered at least once, in any order, possibly late; while the
 *    server is away or wiped it may be lost, and is then rung again from the log by a reconciler.
 * B2 A reaction that returns is acknowledged; one that throws is tried again with growing delays,
 *    at most `maxDeliver` times; a TerminalError and a message that does not fit its schema go to
 *    the dead letters at once, with the original; one that throws Unavailable is tried again until
 *    that is back, however long it takes. Only `delivery.ts` decides that.
 * B3 A reaction that works longer than the acknowledgement wait keeps its message.
 * B4 On shutdown nothing new is taken; what was taken and not begun is given back.
 */
import type { Actor, ConsumerDefinition } from '@writ/contracts';
import type { DeadLetters } from './dead-letters';
import type { Foreign, OverheardReaction } from './overhear';

/** CloudEvents 1.0 attributes and Writ's extensions, as headers on the wire. */
export interface Attributes {
  /** ce-id: the event id or the command id. */
  readonly id: string;
  /** ce-type, `writ.<aggregate>.<EventType>`, `writ.command.directive.<verb>`, `writ.work`, ... */
  readonly type: string;
  /** ce-source, `/writ/<service>`. */
  readonly source: string;
  /** ce-subject: the stream of an event, the directive of a command. */
  readonly subject?: string;
  /** ce-time, RFC 3339. */
  readonly time?: string;
  /** ce-correlationid, ce-causationid, ce-commandid, ce-actor (`kind:id`), traceparent. */
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly commandId?: string;
  readonly actor?: Actor;
  readonly traceparent?: string;
  /** Of an event: ce-position, ce-streamversion, ce-schemaversion. */
  readonly position?: number;
  readonly version?: number;
  readonly schemaVersion?: number;
}

export interface Outgoing {
  readonly subject: string;
  /** JSON text of the data (canonical where the log has it already). */
  readonly dataText: string;
  readonly attributes: Attributes;
  /** De-duplication within the window of the stream; default `attributes.id`. */
  readonly messageId?: string;
  /** Where an answer is expected; only on commands. */
  readonly replyTo?: string;
}

export interface Incoming<T = unknown> {
  readonly subject: string;
  readonly data: T;
  readonly attributes: Attributes;
  readonly replyTo?: string;
  /** 1 on the first delivery. */
  readonly deliveryCount: number;
  /** Aborted when the process stops and the reaction should give up or finish soon. */
  readonly signal: AbortSignal;
}

/** What a reaction returns is sent to `replyTo` when the sender asked for an answer. */
export type Reaction<T = unknown> = (message: Incoming<T>) => Promise<unknown>;

export interface ConsumeOptions<T> {
  /** Reads the data of a message of this subject; throws when it does not fit. */
  readonly parse: (data: unknown, subject: string) => T;
  /** How many reactions run at a time in this process. */
  readonly concurrency: number;
}

export interface QueryOptions {
  /** Without an answer or a sign of progress for so long, the query fails. Default 5,000. */
  readonly timeoutMs?: number;
  readonly onProgress?: (progress: unknown) => void;
}

/** Answers a query; `progress` keeps a slow one alive and tells how far it is. */
export type QueryHandler = (data: unknown, progress: (state: unknown) => void) => Promise<unknown>;

/** Messages that are stored and not done with. */
export interface Backlog {
  /** Nobody has taken them. */
  readonly waiting: number;
  /** Somebody works on them, or did until not long ago. */
  readonly inHands: number;
}

export interface Subscription {
  close(): Promise<void>;
}

/** Bytes too large for a message, kept elsewhere by digest. Unavailable when that is away. */
export interface ClaimCheck {
  put(bytes: Uint8Array): Promise<string>;
  get(digest: string): Promise<Uint8Array>;
}

export interface Bus {
  /** Sends into a stream; resolves when the server has it. Same message id again: no effect. */
  send(message: Outgoing): Promise<void>;
  /**
   * Sends into a queue that strangers take from, and makes the queue when it is missing. The message
   * goes whole: they know no content store. Throws a TerminalError when it is too large for that.
   */
  offer(queue: ConsumerDefinition, message: Outgoing): Promise<void>;
  /**
   * Sends a command and waits for its answer. Asked again with the same id it is delivered again.
   * Throws TimeoutError after `timeoutMs`.
   */
  ask(message: Outgoing, timeoutMs: number): Promise<unknown>;
  consume<T>(
    consumer: ConsumerDefinition,
    options: ConsumeOptions<T>,
    reaction: Reaction<T>,
  ): Promise<Subscription>;
  /** Request and reply, without a stream. Throws QueryError with the answerer's code, or TimeoutError. */
  query(subject: string, data: unknown, options?: QueryOptions): Promise<unknown>;
  /** One of the processes that answer a subject answers each query. */
  answer(subject: string, handler: QueryHandler): Promise<Subscription>;
  /** Fire and forget, to whoever listens now: live output, wake-ups. */
  broadcast(subject: string, bytes: Uint8Array): void;
  /** Hears broadcasts, and messages of streams as they pass; may miss some. */
  listen(
    subject: string,
    heard: (subject: string, bytes: Uint8Array, attributes?: Attributes) => void,
  ): Promise<Subscription>;
  /** Hears messages of others, in whatever form: see `overhear.ts`. */
  overhear(foreign: Foreign, reaction: OverheardReaction): Promise<Subscription>;
  /** The stream of others that has all subjects of a filter; undefined when none has. */
  streamOf(filter: string): Promise<string | undefined>;
  /** Takes back what `overhear` has made of a stream of others. */
  forget(foreign: { readonly stream: string; readonly name: string }): Promise<void>;
  /** Of these consumers together, as the server says now; a consumer that is not there has none. */
  backlog(consumers: readonly ConsumerDefinition[]): Promise<Backlog>;
  /** What could not be handled: to look at and to send again. */
  readonly deadLetters: DeadLetters;
  /** Connected, and every consumer loop went round lately. */
  health(): { ok: boolean; detail: string };
  /** Stops taking, gives reactions `graceMs` to end, closes. */
  drain(graceMs: number): Promise<void>;
}
