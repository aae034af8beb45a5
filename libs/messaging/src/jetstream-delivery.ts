/**
 * One delivery of a JetStream message: its place, and the words that end it. A delivery that was
 * held longer than the server waits belongs to somebody else by then, so nothing is said for it:
 * a late acknowledgement would remove the other's. Nor is anything said to another server than the
 * one it came from: a stream in memory starts over with it, and numbers other messages alike.
 */
import type { Msg, NatsConnection } from 'nats';
import type { Delivery } from './delivery';
import { headersOfMsg } from './nats-wire';
import type { Headers } from './wire';

const ACK = Buffer.from('+ACK');
const WORKING = Buffer.from('+WPI');
const NAK = Buffer.from('-NAK');
const TERM = Buffer.from('+TERM');
const NANOS = 1_000_000;

export class JetStreamDelivery implements Delivery {
  readonly subject: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly deliveryCount: number;
  readonly origin: string;
  /** How many messages wait behind it for this consumer. */
  readonly pending: number;
  /** When the server last heard that it is worked on. */
  private touchedAt = performance.now();
  private readonly reply: string;
  /** The server that it came from, by the id of its process. */
  private readonly serverId: string | undefined;
  private ended = false;

  constructor(
    message: Msg,
    private readonly connection: NatsConnection,
    private readonly ackWaitMs: number,
  ) {
    this.subject = message.subject;
    this.headers = headersOfMsg(message);
    this.body = message.data;
    this.reply = message.reply ?? '';
    this.serverId = connection.info?.server_id;
    // $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<sequence>.<..>.<time>.<pending>
    const tokens = this.reply.split('.');
    const at = tokens.length > 9 ? 4 : 2;
    this.deliveryCount = Number(tokens[at + 2]);
    this.origin = `${tokens[at]}-${tokens[at + 3]}-${tokens[at + 5]}`;
    this.pending = Number(tokens[at + 6]);
  }

  get held(): boolean {
    return !this.ended && !this.lapsed(performance.now());
  }

  ack(): void {
    this.end(ACK);
  }

  nak(delayMs: number): void {
    const delay = Math.round(delayMs * NANOS);
    this.end(delayMs > 0 ? Buffer.from(`-NAK {"delay": ${delay}}`) : NAK);
  }

  term(): void {
    this.end(TERM);
  }

  /** Asks for another acknowledgement wait, when a third of it has passed. */
  keep(now: number): void {
    if (now - this.touchedAt < this.ackWaitMs / 3 || this.lapsed(now)) return;
    this.touchedAt = now;
    this.say(WORKING);
  }

  lapsed(now: number): boolean {
    const elsewhere = this.connection.info?.server_id !== this.serverId;
    return elsewhere || now - this.touchedAt > this.ackWaitMs;
  }

  private end(word: Uint8Array): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.lapsed(performance.now())) this.say(word);
  }

  private say(word: Uint8Array): void {
    // On a closed connection the server waits, then gives the message to another.
    if (!this.connection.isClosed()) this.connection.publish(this.reply, word);
  }
}
