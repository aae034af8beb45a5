/**
 * What becomes of one delivery. This file alone turns the outcome of a reaction into an
 * acknowledgement, a later try or a dead letter; how a message arrives is the bus's.
 *
 * D1 A message leaves its stream only after its reaction returned or its dead letter is stored.
 * D2 The answer goes out before the acknowledgement: a lost one is given again by the next delivery.
 * D3 The server never gives a message up (it would hide it); the count here does.
 * D4 A reaction that fails because its process stops has not failed: its message is given back at
 *    once. The server counts that delivery all the same, and those that a process died over, so
 *    that a message is only refused unbegun after twice as many deliveries as it has tries.
 * D5 `deliver` never rejects: what cannot even be buried is tried again later.
 * D6 A reaction that fails because what all work stands on is away (Unavailable) has not failed
 *    either: it is tried again here, its message held and no new delivery made, until that is back.
 *    Held messages take the places of new ones, so a process takes no more than it can begin.
 */
import { pause, TerminalError, Unavailable, VersionConflict } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import type { ClaimCheck, ConsumeOptions, Incoming, Reaction } from './bus';
import type { BusLogger, BusMetrics, Clock } from './bus-hooks';
import { claim, datarefOf } from './claim-check';
import { attributesOf, isStructured, openStructured, replyToOf } from './cloud-events';
import { deadLetterOf, describeError } from './dead-letter';
import type { DeadLetter, DeadReason } from './dead-letter';
import { readJson } from './read-json';
import type { Headers } from './wire';

/** One delivery of a stored message, and the three ways to end it. None of them throws. */
export interface Delivery {
  /** False when it has ended, or has become somebody else's: then nothing may be done for it. */
  readonly held: boolean;
  readonly subject: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** 1 on the first delivery. */
  readonly deliveryCount: number;
  /** Names the stored message: the same on each delivery, never that of another message. */
  readonly origin: string;
  ack(): void;
  nak(delayMs: number): void;
  term(): void;
}

export type Outcome = 'done' | 'retried' | 'conflict' | 'dead' | 'returned';

/** What settling needs of the bus. */
export interface Outlet {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: BusLogger;
  readonly metrics: BusMetrics;
  readonly claimCheck: ClaimCheck | undefined;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
  /** Sends an answer, as JSON. Never rejects: who does not get it asks again. */
  answer(replyTo: string, value: unknown): Promise<void>;
  /** Resolves when the dead letter is stored; the same `messageId` again has no effect. */
  bury(letter: DeadLetter, messageId: string, origin: Headers): Promise<void>;
}

const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 30_000;
const CONFLICT_DELAY_MS = 5;
const LONGEST_CONFLICT_DELAY_MS = 250;
/** What is away is looked for so often at least: that costs little, and the work waits for it. */
const LONGEST_AWAY_DELAY_MS = 5_000;
/** An error may be wrapped so many times. */
const MAX_CAUSES = 8;

/** Doubling from 100 ms to 30 s, a quarter more or less, so that what failed together spreads out. */
export function retryDelayMs(tries: number, random: () => number): number {
  const doubled = FIRST_DELAY_MS * 2 ** Math.min(tries - 1, 20);
  return Math.round(Math.min(doubled, LAST_DELAY_MS) * (0.75 + random() / 2));
}

/** Somebody else was first: soon again, at a random moment so that two do not meet each time. */
export function conflictDelayMs(deliveryCount: number, random: () => number): number {
  const doubled = CONFLICT_DELAY_MS * 2 ** Math.min(deliveryCount - 1, 10);
  return Math.ceil(Math.min(doubled, LONGEST_CONFLICT_DELAY_MS) * (0.5 + random()));
}

export class Deliverer<T> {
  constructor(
    private readonly consumer: ConsumerDefinition,
    private readonly options: ConsumeOptions<T>,
    private readonly reaction: Reaction<T>,
    private readonly outlet: Outlet,
  ) {}

  async deliver(delivery: Delivery): Promise<void> {
    const { clock, metrics } = this.outlet;
    try {
      const began = clock.now();
      if (delivery.deliveryCount > 1) metrics.redelivered?.(this.consumer.name);
      const outcome = await this.settleWhenPossible(delivery);
      metrics.delivered?.(this.consumer.name, outcome, clock.now() - began);
    } catch (error) {
      this.tryLater(delivery, error);
    }
  }

  /** D6 */
  private async settleWhenPossible(delivery: Delivery): Promise<Outcome> {
    const { clock, logger, random, signal } = this.outlet;
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.settle(delivery);
      if (!(outcome instanceof Away)) return outcome;
      if (tries === 1) {
        const fields = {
          consumer: this.consumer.name,
          subject: delivery.subject,
          err: outcome.why,
        };
        logger.warn(fields, 'a reaction waits for what is away');
      }
      const delayMs = Math.min(retryDelayMs(tries, random), LONGEST_AWAY_DELAY_MS);
      await pause(clock, delayMs, signal).catch(() => undefined); // ended early by the stop
      if (signal.aborted) delivery.nak(0); // D4
      if (signal.aborted || !delivery.held) return 'returned';
    }
  }

  private async settle(delivery: Delivery): Promise<Outcome | Away> {
    let message: Incoming<T>;
    try {
      // Only a body that is elsewhere is waited for.
      const dataref = datarefOf(delivery.headers);
      const body = dataref === undefined ? delivery.body : await this.fetch(dataref);
      message = this.read(delivery, body);
    } catch (error) {
      if (error instanceof FetchFailed) return this.failed(delivery, replyOf(delivery), error.why);
      return this.bury(delivery, reasonOf(error, 'malformed'), error, replyOf(delivery));
    }
    if (delivery.deliveryCount > 2 * this.consumer.maxDeliver) {
      // Processes died over it, or could not bury it: it is not begun once more (D3, D4).
      const error = new Error(`${delivery.deliveryCount - 1} deliveries ended without an outcome`);
      return this.bury(delivery, 'exhausted', error, message.replyTo);
    }
    let value: unknown;
    try {
      value = await this.reaction(message);
    } catch (error) {
      return this.failed(delivery, message.replyTo, error);
    }
    if (message.replyTo !== undefined) {
      await this.outlet.answer(message.replyTo, value === undefined ? { ok: true } : value);
    }
    delivery.ack();
    return 'done';
  }

  private async fetch(dataref: string): Promise<Uint8Array> {
    try {
      return await claim(dataref, this.outlet.claimCheck);
    } catch (error) {
      if (error instanceof TerminalError) throw error;
      throw new FetchFailed(error);
    }
  }

  private read(delivery: Delivery, body: Uint8Array): Incoming<T> {
    let headers = delivery.headers;
    let data = readJson(body);
    if (isStructured(headers)) ({ headers, data } = openStructured(data, headers));
    const attributes = attributesOf(headers, delivery.subject, () => delivery.origin);
    const replyTo = replyToOf(headers);
    return {
      subject: delivery.subject,
      data: this.options.parse(data, delivery.subject),
      attributes,
      replyTo,
      deliveryCount: delivery.deliveryCount,
      signal: this.outlet.signal,
    };
  }

  private async failed(
    delivery: Delivery,
    replyTo: string | undefined,
    error: unknown,
  ): Promise<Outcome | Away> {
    if (error instanceof TerminalError) {
      return this.bury(delivery, reasonOf(error, 'rejected'), error, replyTo);
    }
    if (this.outlet.signal.aborted) {
      delivery.nak(0); // D4
      return 'returned';
    }
    if (isAway(error)) return new Away(error); // D6
    if (delivery.deliveryCount >= this.consumer.maxDeliver) {
      return this.bury(delivery, 'exhausted', error, replyTo);
    }
    if (error instanceof VersionConflict) {
      delivery.nak(conflictDelayMs(delivery.deliveryCount, this.outlet.random));
      return 'conflict';
    }
    return this.tryLater(delivery, error);
  }

  private tryLater(delivery: Delivery, error: unknown): Outcome {
    const { deliveryCount, subject } = delivery;
    const delayMs = retryDelayMs(deliveryCount, this.outlet.random);
    this.outlet.logger.warn(
      { consumer: this.consumer.name, subject, deliveryCount, delayMs, err: error },
      'a reaction failed; its message is tried again',
    );
    delivery.nak(delayMs);
    return 'retried';
  }

  /** D1: whatever fails in here leaves the message in its stream. */
  private async bury(
    delivery: Delivery,
    reason: DeadReason,
    error: unknown,
    replyTo: string | undefined,
  ): Promise<Outcome> {
    const { clock, logger, metrics, claimCheck } = this.outlet;
    const { name } = this.consumer;
    const at = clock.time();
    const letter = await deadLetterOf(delivery, name, reason, error, at, claimCheck);
    await this.outlet.bury(letter, `dead-${name}-${delivery.origin}`, delivery.headers);
    logger.error(
      { consumer: name, subject: delivery.subject, reason, err: error },
      'a message could not be handled; it is kept as a dead letter',
    );
    metrics.deadLettered?.(name, reason);
    if (replyTo !== undefined) {
      const said = describeError(error);
      const code = reason === 'exhausted' ? 'exhausted' : (said.code ?? reason);
      const answer = { ok: false, error: { code, message: said.message, details: said.details } };
      await this.outlet.answer(replyTo, answer);
    }
    delivery.term();
    return 'dead';
  }
}

/** A reaction could not do its work, which says nothing about the work. */
class Away {
  constructor(readonly why: unknown) {}
}

function isAway(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth += 1) {
    if (cause instanceof Unavailable) return true;
    cause = cause.cause;
  }
  return false;
}

/** The bytes of a message could not be had, which says nothing about the message. */
class FetchFailed {
  constructor(readonly why: unknown) {}
}

function reasonOf(error: unknown, otherwise: DeadReason): DeadReason {
  const unknown = error instanceof TerminalError && error.code === 'unknown-subject';
  return unknown ? 'unknown-subject' : otherwise;
}

/** Of a message that could not be read: its sender is answered wherever that is possible. */
function replyOf(delivery: Delivery): string | undefined {
  try {
    return replyToOf(delivery.headers);
  } catch {
    return undefined;
  }
}
