/**
 * Takes the messages of one consumer: asks the server for as many as there are free slots, begins a
 * reaction for each, and keeps the loop alive whatever happens to the server. What becomes of a
 * message is `delivery.ts`'s.
 *
 * P1 What is asked for and what is held together never exceed the concurrency, save once after the
 *    server was silent; then the surplus waits here, and is kept from being given to another.
 * P2 A message held longer than a third of the acknowledgement wait is asked for again ("working"),
 *    while there is a connection to ask over.
 * P3 Silence for too long while something is asked for, "no responders" and "consumer deleted"
 *    all lead to `heal`: stream and consumer are made again, and everything is asked for anew.
 * P4 An idle loop looks now and then whether its consumer can still see new messages: it may be
 *    ahead of its stream, or altered by somebody.
 * P5 After `close` nothing is begun; what arrives or was not begun is given back.
 * P6 A loop that has had no message for as long as a request lasts is drowsy: in its next one the
 *    server may be silent for longer, and it looks less often. Messages come as quickly as ever.
 */
import { nanos } from 'nats';
import type { ConsumerDefinition } from '@writ/contracts';
import type { Msg, NatsConnection, Subscription } from 'nats';
import type { BusLogger, BusMetrics } from './bus-hooks';
import { JetStreamDelivery } from './jetstream-delivery';
import type { JetStreamAdmin } from './jetstream-admin';

/** How often the server says that it is there, what silence is too long, and how often it is asked. */
const awake = { heartbeatMs: 500, silenceMs: 1_250, lookEveryMs: 2_000 };
/** P6 */
const drowsy = { heartbeatMs: 2_500, silenceMs: 6_250, lookEveryMs: 10_000 };
const PULL_EXPIRES_MS = 30_000;
const TICK_MS = 250;
const LATEST_ROUND_MS = 5_000;
const HEAL_EVERY_MS = 1_000;
const START_WITHIN_MS = 30_000;

export interface PullLoopOptions {
  readonly connection: NatsConnection;
  readonly admin: JetStreamAdmin;
  readonly definition: ConsumerDefinition;
  readonly concurrency: number;
  /** Where the server sends to; each subscription adds a token of its own. */
  readonly inbox: string;
  /** Ends the delivery; never rejects. */
  readonly deliver: (delivery: JetStreamDelivery) => Promise<void>;
  readonly logger: BusLogger;
  readonly metrics: BusMetrics;
}

export class PullLoop {
  private readonly held = new Set<JetStreamDelivery>();
  private readonly surplus: JetStreamDelivery[] = [];
  private running = 0;
  private asked = 0;
  private pace = awake;
  private subscription: Subscription | undefined;
  private subscriptions = 0;
  private heardAt = performance.now();
  /** A message came, or something was mended. */
  private stirredAt = performance.now();
  private lookedAt = performance.now();
  private roundAt = performance.now();
  private ticker: NodeJS.Timeout | undefined;
  private healing = false;
  private healedAt = -Infinity;
  private trouble: string | undefined;
  private closed = false;
  /** As the last message said; told once a tick. */
  private pending: number | undefined;
  private readonly whenEmpty = new Set<() => void>();

  constructor(private readonly options: PullLoopOptions) {}

  get name(): string {
    return this.options.definition.name;
  }

  async start(): Promise<void> {
    const { admin, definition, concurrency } = this.options;
    await admin.patiently(START_WITHIN_MS, () => admin.makeConsumer(definition, concurrency));
    this.subscribe();
    const tickMs = Math.min(TICK_MS, definition.ackWaitMs / 6);
    // The ticks of all loops fall together, so that an idle process wakes once for all of them.
    this.ticker = setTimeout(
      () => {
        this.tick();
        this.ticker = setInterval(() => this.tick(), tickMs);
      },
      tickMs - (performance.now() % tickMs),
    );
    this.ask();
  }

  /** Went round lately: heard the server, or has its hands full. */
  health(): { ok: boolean; detail: string } {
    const silent = Math.round(performance.now() - this.roundAt);
    if (silent < LATEST_ROUND_MS) return { ok: true, detail: `${this.name}: consuming` };
    const why = this.trouble ?? 'the server is silent';
    return { ok: false, detail: `${this.name}: not consuming for ${silent} ms, ${why}` };
  }

  connectionBack(): void {
    if (this.closed || !this.subscription) return;
    // The server forgot what was asked for; a consumer in memory may be gone, and answers so.
    this.asked = 0;
    this.heardAt = this.stirredAt = performance.now();
    this.ask();
  }

  /** P5. Resolves when all that the server had sent has arrived and was given back. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const delivery of this.surplus.splice(0)) this.giveBack(delivery);
    await this.subscription?.drain().catch(() => undefined);
  }

  /** Resolves true when all that was begun has ended, false after the time. */
  async finish(withinMs: number): Promise<boolean> {
    if (this.held.size > 0 && withinMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        this.whenEmpty.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    clearInterval(this.ticker);
    const late = [...this.held];
    for (const delivery of late) this.giveBack(delivery);
    return late.length === 0;
  }

  private subscribe(): void {
    // What was asked for in the name of the one before ends with it, but arrives if under way.
    this.subscription?.drain().catch(() => undefined);
    this.subscriptions += 1;
    const inbox = `${this.options.inbox}.${this.subscriptions}`;
    this.asked = 0;
    this.heardAt = this.stirredAt = performance.now();
    this.subscription = this.options.connection.subscribe(inbox, {
      callback: (error, message) => this.heard(inbox, error, message),
    });
  }

  /** Must not throw: it is called by the reader of the connection. */
  private heard(inbox: string, error: Error | null, message: Msg): void {
    try {
      if (error) return this.mend(error.message);
      this.heardAt = this.roundAt = performance.now();
      if (message.subject === inbox) this.heardStatus(message);
      else this.take(message);
    } catch (failure) {
      this.options.logger.error({ consumer: this.name, err: failure }, 'a message was not taken');
    }
  }

  private take(message: Msg): void {
    const { connection, definition } = this.options;
    const delivery = new JetStreamDelivery(message, connection, definition.ackWaitMs);
    this.stirredAt = this.heardAt;
    this.asked = Math.max(0, this.asked - 1);
    this.trouble = undefined;
    this.pending = delivery.pending;
    this.held.add(delivery);
    if (this.closed) this.giveBack(delivery);
    else if (this.running < this.options.concurrency) void this.begin(delivery);
    else this.surplus.push(delivery); // P1
  }

  private async begin(delivery: JetStreamDelivery): Promise<void> {
    this.running += 1;
    await this.options.deliver(delivery);
    this.running -= 1;
    this.drop(delivery);
    const next = this.surplus.shift();
    if (next) void this.begin(next);
    else this.ask();
  }

  private giveBack(delivery: JetStreamDelivery): void {
    delivery.nak(0);
    this.drop(delivery);
  }

  private drop(delivery: JetStreamDelivery): void {
    this.held.delete(delivery);
    if (this.held.size > 0) return;
    for (const resolve of this.whenEmpty) resolve();
    this.whenEmpty.clear();
  }

  /** For as many as are free, but not for each single one that becomes free. */
  private ask(): void {
    const { concurrency, definition, connection } = this.options;
    const free = concurrency - this.running - this.surplus.length - this.asked;
    if (this.closed || this.healing || free <= 0 || connection.isClosed()) return;
    if (this.asked > 0 && free < concurrency / 4) return;
    if (this.asked === 0) {
      this.heardAt = performance.now(); // silence counts from here
      // As long as a drowsy request is open no more heartbeats come than it brings.
      this.pace = this.heardAt - this.stirredAt >= PULL_EXPIRES_MS ? drowsy : awake;
    }
    this.asked += free;
    const request = {
      batch: free,
      expires: nanos(PULL_EXPIRES_MS),
      idle_heartbeat: nanos(this.pace.heartbeatMs),
    };
    connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${definition.stream}.${definition.name}`,
      JSON.stringify(request),
      { reply: `${this.options.inbox}.${this.subscriptions}` },
    );
  }

  private heardStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === 100) return; // a heartbeat
    const left = Number(message.headers?.get('Nats-Pending-Messages') || NaN);
    this.asked = Number.isNaN(left) ? 0 : Math.max(0, this.asked - left);
    const description = message.headers?.description ?? '';
    if (code === 408)
      this.ask(); // nothing came in the time of the request
    else if (code === 404 || code === 503 || /deleted/i.test(description)) {
      this.mend(`the server says ${code} ${description}`.trim());
    } else {
      // A limit, or a server that goes down: the next tick asks again.
      this.trouble = `the server says ${code} ${description}`;
    }
  }

  private tick(): void {
    const now = performance.now();
    const { connected } = this.options.admin;
    if (connected) for (const delivery of this.held) delivery.keep(now); // P2
    if (this.pending !== undefined) this.options.metrics.pending?.(this.name, this.pending);
    this.pending = undefined;
    if (this.closed || this.options.connection.isClosed()) return;
    if (this.running >= this.options.concurrency) this.roundAt = now;
    if (!connected) return;
    if (this.asked > 0 && now - this.heardAt > this.pace.silenceMs)
      this.mend('the server is silent'); // P3
    else if (now - Math.max(this.lookedAt, this.stirredAt) > this.pace.lookEveryMs)
      void this.look(now);
    else this.ask();
  }

  /** P4 */
  private async look(now: number): Promise<void> {
    this.lookedAt = now;
    const { admin, definition, metrics } = this.options;
    try {
      const seen = await admin.lookAt(definition);
      if (seen.state === 'fine') metrics.pending?.(this.name, seen.pending);
      else this.mend(seen.why);
    } catch (error) {
      this.trouble = (error as Error).message;
    }
  }

  private mend(why: string): void {
    if (this.healing || this.closed) return;
    this.heal(why).catch((error: unknown) => {
      this.options.logger.error({ consumer: this.name, err: error }, 'healing failed');
    });
  }

  /** P3. Ends when the consumer is there again, or the loop is closed. */
  private async heal(why: string): Promise<void> {
    const { admin, definition, concurrency, logger } = this.options;
    this.healing = true;
    this.trouble = why;
    // At once the first time; what does not last (a right that is missing, say) not all the time.
    const early = this.healedAt + HEAL_EVERY_MS - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    for (let attempt = 1; !this.closed && !admin.closed; attempt += 1) {
      try {
        await admin.whenConnected();
        await admin.makeConsumer(definition, concurrency);
        break;
      } catch (error) {
        this.trouble = (error as Error).message;
        if (attempt % 20 === 1) {
          logger.warn({ consumer: this.name, why, err: error }, 'the consumer cannot be made yet');
        }
        await new Promise((resolve) => setTimeout(resolve, Math.min(100 * attempt, 1_000)));
      }
    }
    this.healing = false;
    this.healedAt = performance.now();
    if (this.closed || admin.closed) return;
    this.subscribe();
    this.ask();
  }
}
