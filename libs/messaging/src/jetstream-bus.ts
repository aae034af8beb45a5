/**
 * The bus over NATS JetStream. Owns how the parts hang together over one connection: the window of
 * what is sent, a loop for each consumer, the inbox for answers, and their beginning and end. What
 * the bus promises stands in `bus.ts`.
 */
import { setMaxListeners } from 'node:events';
import { MAX_INLINE_BYTES, streams as allStreams } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import { Events } from 'nats';
import type { JetStreamManager, NatsConnection } from 'nats';
import { answerOn, packJson, Requests } from './requests';
import type {
  Attributes,
  Bus,
  ConsumeOptions,
  Outgoing,
  QueryHandler,
  QueryOptions,
  Reaction,
  Subscription,
} from './bus';
import { silentLogger, systemClock } from './bus-hooks';
import type { BusLogger, BusMetrics } from './bus-hooks';
import { checkIn, HEADROOM_BYTES } from './claim-check';
import { headersOf } from './cloud-events';
import { DeadLetters } from './dead-letters';
import { burialOf } from './dead-letter';
import { Deliverer } from './delivery';
import type { Outlet } from './delivery';
import type { JetStreamBusOptions } from './connect-jetstream-bus';
import { JetStreamAdmin } from './jetstream-admin';
import { jetStreamShelf } from './jetstream-shelf';
import { hearBroadcasts } from './listening';
import { headerBlock, NatsWire } from './nats-wire';
import { PublishWindow } from './publish-window';
import { PullLoop } from './pull-loop';
import { checkSubject } from './wire';

const MAX_IN_FLIGHT = 1_024;
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
const FLUSH_WITHIN_MS = 2_000;

export class JetStreamBus implements Bus {
  readonly deadLetters: DeadLetters;
  readonly admin: JetStreamAdmin;
  private readonly logger: BusLogger;
  private readonly metrics: BusMetrics;
  private readonly wire: NatsWire;
  private readonly window: PublishWindow;
  private readonly requests: Requests;
  private readonly stopping = new AbortController();
  private readonly loops = new Set<PullLoop>();
  private readonly answers = new Set<Subscription>();
  private readonly listeners = new Set<Subscription>();
  private draining: Promise<void> | undefined;
  private state: 'connected' | 'away' | 'draining' | 'closed' = 'connected';
  private loopCount = 0;

  constructor(
    private readonly connection: NatsConnection,
    jsm: JetStreamManager,
    private readonly options: JetStreamBusOptions,
  ) {
    this.logger = options.logger ?? silentLogger;
    this.metrics = options.metrics ?? {};
    const table = options.streams ?? Object.values(allStreams);
    this.admin = new JetStreamAdmin(connection, jsm, table, this.logger, this.metrics);
    this.wire = new NatsWire(connection, options.name, this.logger);
    this.window = new PublishWindow(
      this.wire,
      {
        deadlineMs: options.sendWithinMs ?? 10_000,
        ackTimeoutMs: options.ackTimeoutMs ?? 2_000,
        maxInFlight: MAX_IN_FLIGHT,
        maxBytes: MAX_UNSENT_BYTES,
      },
      () => this.admin.makeStreams(),
      this.logger,
      this.metrics,
    );
    this.requests = new Requests(this.wire, systemClock, options.claimCheck);
    const shelf = jetStreamShelf(jsm, this.window);
    this.deadLetters = new DeadLetters(shelf, options.claimCheck);
    setMaxListeners(0, this.stopping.signal);
    void this.watch();
    void connection.closed().then((error) => this.ended(error));
  }

  async send(message: Outgoing): Promise<void> {
    checkSubject(message.subject);
    if (this.state === 'closed') throw new Error('the bus is closed: nothing can be sent any more');
    const bytes = Buffer.from(message.dataText);
    if (bytes.length <= MAX_INLINE_BYTES) {
      return this.window.send(message.subject, bytes, headerBlock(headersOf(message)));
    }
    const limit = this.wire.maxPayload - HEADROOM_BYTES;
    const parcel = await checkIn(bytes, this.options.claimCheck, MAX_INLINE_BYTES, limit);
    const block = headerBlock(headersOf(message, parcel.dataref));
    return this.window.send(message.subject, parcel.body, block);
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
    if (this.draining) throw new Error(`the bus is draining: ${consumer.name} cannot begin`);
    const deliverer = new Deliverer(consumer, options, reaction, this.outlet());
    this.loopCount += 1;
    const loop = new PullLoop({
      connection: this.connection,
      admin: this.admin,
      definition: consumer,
      concurrency: options.concurrency,
      inbox: `${this.wire.inbox}.c${this.loopCount}`,
      deliver: (delivery) => deliverer.deliver(delivery),
      logger: this.logger,
      metrics: this.metrics,
    });
    await loop.start();
    this.loops.add(loop);
    return {
      close: async () => {
        await loop.close();
        await loop.finish(consumer.ackWaitMs);
        this.loops.delete(loop);
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
    await this.connection.flush();
    return answers;
  }

  broadcast(subject: string, bytes: Uint8Array): void {
    checkSubject(subject);
    if (this.state !== 'connected') return; // nobody hears it now, and later is too late
    try {
      this.wire.publish(subject, bytes);
    } catch (error) {
      this.logger.warn({ subject, bytes: bytes.length, err: error }, 'a broadcast was not sent');
    }
  }

  async listen(
    subject: string,
    heard: (subject: string, bytes: Uint8Array, attributes?: Attributes) => void,
  ): Promise<Subscription> {
    const { claimCheck } = this.options;
    const listener = hearBroadcasts(this.wire, subject, heard, { claimCheck, logger: this.logger });
    this.listeners.add(listener);
    await this.connection.flush();
    return listener;
  }

  health(): { ok: boolean; detail: string } {
    const loops = [...this.loops].map((loop) => loop.health());
    const details = [`nats: ${this.state}`, ...loops.map(({ detail }) => detail)];
    const ok = this.state === 'connected' && loops.every((loop) => loop.ok);
    return { ok, detail: details.join('; ') };
  }

  drain(graceMs: number): Promise<void> {
    this.draining ??= this.end(graceMs);
    return this.draining;
  }

  private async end(graceMs: number): Promise<void> {
    if (this.state !== 'closed') this.state = 'draining';
    const deadline = performance.now() + graceMs;
    const left = () => Math.max(0, deadline - performance.now());
    this.stopping.abort(new Error('the process stops'));
    const loops = [...this.loops];
    await within(FLUSH_WITHIN_MS, Promise.all(loops.map((loop) => loop.close())));
    await within(left(), Promise.all([...this.answers].map((answers) => answers.close())));
    await Promise.all(loops.map((loop) => loop.finish(left())));
    await this.window.idle(left());
    this.window.close('the process stops');
    this.requests.close('the process stops');
    // What was said last, acknowledgements above all, is to reach the server.
    if (!this.connection.isClosed()) await within(FLUSH_WITHIN_MS, this.connection.flush());
    await within(FLUSH_WITHIN_MS, this.connection.close());
    this.state = 'closed';
  }

  private outlet(): Outlet {
    const { claimCheck, name } = this.options;
    return {
      clock: systemClock,
      random: Math.random,
      logger: this.logger,
      metrics: this.metrics,
      claimCheck,
      signal: this.stopping.signal,
      answer: async (replyTo, value) => {
        try {
          const { body, headers } = await packJson(value, this.wire, claimCheck);
          this.wire.publish(replyTo, body, headers);
        } catch (error) {
          this.logger.error({ replyTo, err: error }, 'an answer could not be sent');
        }
      },
      bury: async (letter, messageId, origin) => {
        const burial = burialOf(letter, messageId, origin, name);
        await this.window.send(burial.subject, burial.body, headerBlock(burial.headers));
      },
    };
  }

  /** Follows the connection; the client does not tell here that it has ended. */
  private async watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      const type: string = status.type;
      if (type === Events.Disconnect && this.state === 'connected') {
        this.state = 'away';
        this.admin.connectionLost();
        this.window.connectionLost();
        this.logger.warn({ server: status.data }, 'NATS is away; reconnecting');
      } else if (type === Events.Reconnect) {
        if (this.state === 'away') this.state = 'connected';
        this.admin.connectionBack();
        this.window.connectionBack();
        for (const loop of this.loops) loop.connectionBack();
        this.logger.info({ server: status.data }, 'NATS is back');
      } else if (type === Events.Error) {
        this.logger.error({ code: status.data, context: status.permissionContext }, 'NATS refuses');
      }
    }
  }

  private ended(error: Error | void): void {
    if (this.draining) return;
    this.state = 'closed';
    const said = new Error('the connection to NATS has ended for good', { cause: error });
    this.admin.connectionBack(); // nobody waits for it any more
    this.window.close(said.message);
    this.requests.close(said.message);
    this.logger.error({ err: said }, said.message);
    this.options.onClosed?.(said);
  }
}

/** So that nothing can hold up a shutdown: what is not done in time is left. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}
