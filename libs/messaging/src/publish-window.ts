/**
 * Publishing into streams, many messages in flight: owns the window of those that the server has
 * not acknowledged. One subscription hears all acknowledgements and one timer sweeps the window, so
 * a message costs neither a request nor a timer of its own.
 *
 * W1 No acknowledgement in time says nothing: the message may be stored. It is published again with
 *    the same message id, which the server drops if it has it.
 * W2 "No responders" means that there is no stream to take it (or no JetStream): the streams are
 *    made again and it is published again.
 * W3 While there is no connection nothing is published, and on reconnect everything is.
 * W4 A send ends within its deadline: stored, or an error that says what was the matter last.
 * W5 What waits here is bounded, in messages in flight and in bytes.
 */
import { endsWithin } from '@writ/contracts';
import { SendError } from './bus-errors';
import type { BusLogger, BusMetrics } from './bus-hooks';
import type { NatsWire } from './nats-wire';
import type { WireMessage } from './wire';

export interface WindowOptions {
  /** How long a message is tried, in milliseconds. */
  readonly deadlineMs: number;
  /** How long one acknowledgement is awaited before the message is published again. */
  readonly ackTimeoutMs: number;
  readonly maxInFlight: number;
  readonly maxBytes: number;
}

interface Pending {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly block: Uint8Array;
  readonly began: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  publishedAt: number;
  /** The streams were made again for it once. */
  healed: boolean;
  trouble: string;
}

const SWEEP_MS = 100;
const SAY_EVERY_MS = 5_000;
const RETRY_REFUSED_MS = 250;
/** Acknowledgement errors that another try cannot change: the message is too large for the stream. */
const HOPELESS = new Set([10054]);

export class PublishWindow {
  private readonly flying = new Map<number, Pending>();
  private readonly waiting = new Set<Pending>();
  private readonly root: string;
  private bytes = 0;
  private count = 0;
  private sweeper: NodeJS.Timeout | undefined;
  private connected = true;
  private saidAt = -Infinity;
  private healing: Promise<void> | undefined;
  private whenIdle: (() => void)[] = [];

  constructor(
    private readonly wire: NatsWire,
    private readonly options: WindowOptions,
    private readonly applyStreams: () => Promise<void>,
    private readonly logger: BusLogger,
    private readonly metrics: BusMetrics,
  ) {
    this.root = `${wire.inbox}.p.`;
    wire.subscribe(`${this.root}*`, undefined, (message) => this.heard(message));
  }

  send(subject: string, body: Uint8Array, block: Uint8Array): Promise<void> {
    const size = body.length + block.length;
    if (this.bytes + size > this.options.maxBytes) {
      const error = new SendError(
        `${this.flying.size + this.waiting.size} messages (${this.bytes} bytes) wait to be stored ` +
          'and no more fit: NATS is slower than this process sends; send again later',
      );
      return Promise.reject(error);
    }
    this.bytes += size;
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const trouble = 'nothing was heard from the server';
      const state = { publishedAt: 0, healed: false, trouble };
      this.admit({ subject, body, block, began, resolve, reject, ...state });
    });
  }

  /** Nothing is in flight, or so many milliseconds have passed. */
  async idle(withinMs: number): Promise<void> {
    if (this.flying.size === 0) return;
    await endsWithin(withinMs, new Promise<void>((resolve) => this.whenIdle.push(resolve)));
  }

  connectionLost(): void {
    this.connected = false; // W3
    for (const pending of this.flying.values()) pending.trouble = 'the connection was lost';
  }

  connectionBack(): void {
    this.connected = true;
    for (const [token, pending] of this.flying) this.publish(token, pending);
  }

  close(reason: string): void {
    clearInterval(this.sweeper);
    this.sweeper = undefined;
    for (const pending of this.waiting) pending.reject(new SendError(saying(pending, reason)));
    this.waiting.clear();
    for (const [token, pending] of this.flying) {
      this.fail(token, new SendError(saying(pending, reason)));
    }
  }

  private admit(pending: Pending): void {
    if (this.flying.size >= this.options.maxInFlight) {
      this.waiting.add(pending);
      return;
    }
    this.count += 1;
    this.flying.set(this.count, pending);
    this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS);
    if (this.connected) this.publish(this.count, pending);
  }

  private publish(token: number, pending: Pending): void {
    pending.publishedAt = performance.now();
    try {
      const reply = this.root + token.toString(36);
      this.wire.publishBlock(pending.subject, pending.body, pending.block, reply);
    } catch (error) {
      this.fail(token, new SendError(saying(pending, (error as Error).message), { cause: error }));
    }
  }

  private heard(message: WireMessage): void {
    const token = parseInt(message.subject.slice(this.root.length), 36);
    const pending = this.flying.get(token);
    if (!pending) return; // acknowledged before: a message published twice is acknowledged twice
    if (message.unheard) {
      pending.trouble = 'no stream takes this subject, or JetStream is not enabled';
      this.heal(token, pending); // W2
      return;
    }
    const ack = JSON.parse(Buffer.from(message.body).toString()) as {
      error?: { err_code?: number; description?: string };
    };
    if (!ack.error) {
      this.metrics.sent?.('stored', performance.now() - pending.began);
      this.settle(token)?.resolve();
      return;
    }
    pending.trouble = `the server refuses it: ${ack.error.description ?? 'without a reason'}`;
    if (HOPELESS.has(ack.error.err_code ?? 0)) {
      this.fail(token, new SendError(saying(pending, pending.trouble)));
      return;
    }
    this.later(pending); // full, or restarting
  }

  /** One healing at a time; all that hear "no responders" meanwhile wait for it. */
  private heal(token: number, pending: Pending): void {
    this.healing ??= this.applyStreams().finally(() => (this.healing = undefined));
    this.healing.then(
      () => {
        const first = !pending.healed;
        pending.healed = true;
        if (!first) this.later(pending);
        else if (this.flying.has(token) && this.connected) this.publish(token, pending);
      },
      (error: unknown) => {
        pending.trouble = `its stream cannot be made again: ${(error as Error).message}`;
        this.later(pending);
      },
    );
  }

  /** For the sweep to try again: the server said no, so not at once. */
  private later(pending: Pending): void {
    pending.publishedAt = performance.now() - this.options.ackTimeoutMs + RETRY_REFUSED_MS;
  }

  private sweep(): void {
    const now = performance.now();
    let again = 0;
    for (const [token, pending] of this.flying) {
      if (now - pending.began >= this.options.deadlineMs) {
        this.fail(token, new SendError(saying(pending, pending.trouble)));
      } else if (this.connected && now - pending.publishedAt >= this.options.ackTimeoutMs) {
        again += 1;
        this.publish(token, pending); // W1
      }
    }
    for (const pending of this.waiting) {
      if (now - pending.began < this.options.deadlineMs) break; // the eldest are in front
      this.waiting.delete(pending);
      this.bytes -= pending.body.length + pending.block.length;
      this.metrics.sent?.('failed', now - pending.began);
      pending.reject(new SendError(saying(pending, 'too many were before it')));
    }
    if (again > 0 && now - this.saidAt > SAY_EVERY_MS) {
      this.saidAt = now;
      const messages = this.flying.size;
      this.logger.warn({ messages }, 'the server does not answer; publishing again');
    }
    if (this.flying.size === 0) {
      clearInterval(this.sweeper);
      this.sweeper = undefined;
    }
  }

  private fail(token: number, error: Error): void {
    const pending = this.settle(token);
    if (!pending) return;
    this.metrics.sent?.('failed', performance.now() - pending.began);
    pending.reject(error);
  }

  private settle(token: number): Pending | undefined {
    const pending = this.flying.get(token);
    if (!pending) return undefined;
    this.flying.delete(token);
    this.bytes -= pending.body.length + pending.block.length;
    for (const next of this.waiting) {
      this.waiting.delete(next);
      this.admit(next);
      break;
    }
    if (this.flying.size === 0) for (const tell of this.whenIdle.splice(0)) tell();
    return pending;
  }
}

function saying(pending: Pending, trouble: string): string {
  const ms = Math.round(performance.now() - pending.began);
  return (
    `a message to ${pending.subject} was not stored within ${ms} ms: ${trouble}. ` +
    'It may be stored all the same: send it again with the same id'
  );
}
