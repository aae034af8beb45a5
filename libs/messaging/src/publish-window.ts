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
 * W6 Messages that the log can ring again fly together when they are sent to one stream in one turn
 *    of the event loop: the last of them asks for the acknowledgement. The server takes what comes
 *    over one connection in order, so with the last it has seen them all. Only an acknowledgement of
 *    the latest time that they were published counts: of an earlier time some may have been lost
 *    with a connection. A server without room may refuse one and take the next: that one is rung.
 * W7 What was published twice over one connection and got no answer at all is shown to whoever looks
 *    after the streams (`stream-watchdog.ts`): more of the same would not help it.
 */
import { endsWithin } from '@writ/contracts';
import { SendError } from './bus-errors';
import type { BusLogger, BusMetrics } from './bus-hooks';
import { flightOf, isFull, mayShare, saying, sizeOf, type Flight, type Message } from './flight';
import type { NatsWire } from './nats-wire';
import type { Unanswered } from './stream-watchdog';
import type { WireMessage } from './wire';

export interface WindowOptions {
  /** How long a message is tried, in milliseconds. */
  readonly deadlineMs: number;
  /** How long one acknowledgement is awaited before the message is published again. */
  readonly ackTimeoutMs: number;
  readonly maxInFlight: number;
  readonly maxBytes: number;
  /** W7 */
  readonly unanswered?: (message: Unanswered) => void;
}

const SWEEP_MS = 100;
const SAY_EVERY_MS = 5_000;
const RETRY_REFUSED_MS = 250;
/** Acknowledgement errors that another try cannot change: the message is too large for the stream. */
const HOPELESS = new Set([10054]);

export class PublishWindow {
  private readonly flying = new Map<number, Flight>();
  /** Flights that still take messages, by stream; they depart at the end of this turn. */
  private readonly boarding = new Map<string, number>();
  private readonly waiting = new Set<Message>();
  private readonly root: string;
  private bytes = 0;
  private inFlight = 0;
  private count = 0;
  private departing: NodeJS.Immediate | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  private connected = true;
  private saidAt = -Infinity;
  private healing: Promise<void> | undefined;
  private whenIdle: (() => void)[] = [];

  constructor(
    private readonly wire: Pick<NatsWire, 'inbox' | 'subscribe' | 'publishBlock'>,
    private readonly options: WindowOptions,
    private readonly applyStreams: () => Promise<void>,
    private readonly logger: BusLogger,
    private readonly metrics: BusMetrics,
  ) {
    this.root = `${wire.inbox}.p.`;
    wire.subscribe(`${this.root}*`, undefined, (message) => this.heard(message));
  }

  /**
   * `together`: the stream of a message that the log can ring again, and that therefore may share
   * its acknowledgement with others of that stream (W6).
   */
  send(subject: string, body: Uint8Array, block: Uint8Array, together?: string): Promise<void> {
    const size = body.length + block.length;
    if (this.bytes + size > this.options.maxBytes) {
      const error = new SendError(
        `${this.inFlight + this.waiting.size} messages (${this.bytes} bytes) wait to be stored ` +
          'and no more fit: NATS is slower than this process sends; send again later',
      );
      return Promise.reject(error);
    }
    this.bytes += size;
    return new Promise((resolve, reject) => {
      const began = performance.now();
      this.admit({ subject, body, block, together, began, resolve, reject });
    });
  }

  /** Nothing is in flight, or so many milliseconds have passed. */
  async idle(withinMs: number): Promise<void> {
    if (this.inFlight === 0) return;
    await endsWithin(withinMs, new Promise<void>((resolve) => this.whenIdle.push(resolve)));
  }

  connectionLost(): void {
    this.connected = false; // W3
    for (const flight of this.flying.values()) {
      flight.trouble = 'the connection was lost';
      flight.silentTimes = 0;
    }
  }

  connectionBack(): void {
    this.connected = true;
    this.boarding.clear();
    for (const [token, flight] of this.flying) this.publish(token, flight);
  }

  close(reason: string): void {
    clearInterval(this.sweeper);
    clearImmediate(this.departing);
    this.sweeper = undefined;
    this.departing = undefined;
    for (const message of this.waiting) message.reject(new SendError(saying(message, reason)));
    this.waiting.clear();
    for (const token of this.flying.keys()) this.fail(token, reason);
  }

  private admit(message: Message): void {
    if (this.inFlight >= this.options.maxInFlight) {
      this.waiting.add(message);
      return;
    }
    this.inFlight += 1;
    this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS);
    if (!mayShare(message)) return this.depart(this.begin(message));
    const stream = message.together ?? '';
    const token = this.boarding.get(stream) ?? 0;
    const flight = this.flying.get(token);
    if (flight === undefined) {
      this.boarding.set(stream, this.begin(message));
      this.departing ??= setImmediate(() => this.departAll());
      return;
    }
    flight.messages.push(message);
    flight.bytes += sizeOf(message);
    if (!isFull(flight)) return;
    this.boarding.delete(stream);
    this.depart(token);
  }

  /** Another flight; returns its token. */
  private begin(message: Message): number {
    this.count += 1;
    this.flying.set(this.count, flightOf(message));
    return this.count;
  }

  private departAll(): void {
    this.departing = undefined;
    const tokens = [...this.boarding.values()];
    this.boarding.clear();
    for (const token of tokens) this.depart(token);
  }

  private depart(token: number): void {
    const flight = this.flying.get(token);
    if (flight !== undefined && this.connected) this.publish(token, flight);
  }

  private publish(token: number, flight: Flight): void {
    flight.publishedAt = performance.now();
    flight.times += 1;
    flight.silentTimes += 1;
    const { messages } = flight;
    const reply = `${this.root}${token.toString(36)}-${flight.times.toString(36)}`;
    try {
      messages.forEach(({ subject, body, block }, at) => {
        this.wire.publishBlock(subject, body, block, at < messages.length - 1 ? undefined : reply);
      });
    } catch (error) {
      this.fail(token, (error as Error).message, error);
    }
  }

  private heard(message: WireMessage): void {
    const [token = NaN, time] = message.subject
      .slice(this.root.length)
      .split('-')
      .map((text) => parseInt(text, 36));
    const flight = this.flying.get(token);
    if (!flight) return; // acknowledged before: a message published twice is acknowledged twice
    flight.silentTimes = 0;
    if (flight.messages.length > 1 && (time !== flight.times || !this.connected)) return; // W6
    if (message.unheard) {
      flight.trouble = 'no stream takes this subject, or JetStream is not enabled';
      this.heal(token, flight); // W2
      return;
    }
    const ack = JSON.parse(Buffer.from(message.body).toString()) as {
      error?: { err_code?: number; description?: string };
    };
    if (!ack.error) {
      for (const { began, resolve } of this.settle(token)) {
        this.metrics.sent?.('stored', performance.now() - began);
        resolve();
      }
      return;
    }
    flight.trouble = `the server refuses it: ${ack.error.description ?? 'without a reason'}`;
    if (HOPELESS.has(ack.error.err_code ?? 0)) {
      this.fail(token, flight.trouble);
      return;
    }
    this.later(flight); // full, or restarting
  }

  /** One healing at a time; all that hear "no responders" meanwhile wait for it. */
  private heal(token: number, flight: Flight): void {
    this.healing ??= this.applyStreams().finally(() => (this.healing = undefined));
    this.healing.then(
      () => {
        const first = !flight.healed;
        flight.healed = true;
        if (!first) this.later(flight);
        else if (this.flying.has(token) && this.connected) this.publish(token, flight);
      },
      (error: unknown) => {
        flight.trouble = `its stream cannot be made again: ${(error as Error).message}`;
        this.later(flight);
      },
    );
  }

  /** For the sweep to try again: the server said no, so not at once. */
  private later(flight: Flight): void {
    flight.publishedAt = performance.now() - this.options.ackTimeoutMs + RETRY_REFUSED_MS;
  }

  private sweep(): void {
    const now = performance.now();
    let again = 0;
    for (const [token, flight] of this.flying) {
      if (now - flight.messages[0].began >= this.options.deadlineMs) {
        this.fail(token, flight.trouble);
      } else if (this.connected && now - flight.publishedAt >= this.options.ackTimeoutMs) {
        again += flight.messages.length;
        if (flight.silentTimes > 1) this.options.unanswered?.(this.unanswered(token, flight)); // W7
        this.publish(token, flight); // W1
      }
    }
    for (const message of this.waiting) {
      if (now - message.began < this.options.deadlineMs) break; // the eldest are in front
      this.waiting.delete(message);
      this.bytes -= sizeOf(message);
      this.metrics.sent?.('failed', now - message.began);
      message.reject(new SendError(saying(message, 'too many were before it')));
    }
    if (again > 0 && now - this.saidAt > SAY_EVERY_MS) {
      this.saidAt = now;
      this.logger.warn({ messages: this.inFlight }, 'the server does not answer; publishing again');
    }
    if (this.flying.size === 0) {
      clearInterval(this.sweeper);
      this.sweeper = undefined;
    }
  }

  private unanswered(token: number, flight: Flight): Unanswered {
    return {
      subject: flight.messages[0].subject,
      again: () => {
        if (!this.connected || this.flying.get(token) !== flight) return () => false;
        this.publish(token, flight);
        const { times } = flight;
        const isFlying = () => this.flying.get(token) === flight;
        return () => isFlying() && flight.times === times && flight.silentTimes > 0;
      },
    };
  }

  private fail(token: number, trouble: string, cause?: unknown): void {
    for (const message of this.settle(token)) {
      this.metrics.sent?.('failed', performance.now() - message.began);
      message.reject(new SendError(saying(message, trouble), { cause }));
    }
  }

  /** The flight has ended: its places are free. Returns who waits to hear of it. */
  private settle(token: number): readonly Message[] {
    const flight = this.flying.get(token);
    if (!flight) return [];
    this.flying.delete(token);
    this.inFlight -= flight.messages.length;
    this.bytes -= flight.bytes;
    for (const next of this.waiting) {
      if (this.inFlight >= this.options.maxInFlight) break;
      this.waiting.delete(next);
      this.admit(next);
    }
    if (this.inFlight === 0) for (const tell of this.whenIdle.splice(0)) tell();
    return flight.messages;
  }
}
