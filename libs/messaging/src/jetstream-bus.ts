/**
 * The bus over NATS JetStream. Owns how the parts hang together over one connection: the window of
 * what is sent, a loop for each consumer, the inbox for answers, and their beginning and end. What
 * the bus promises stands in `bus.ts`.
 */
import { endsWithin, streams as allStreams, systemClock } from '@writ/contracts';
import type { ConsumerDefinition, StreamDefinition } from '@writ/contracts';
import { Events } from 'nats';
import type { JetStreamManager, NatsConnection } from 'nats';
import type { Backlog, ConsumeOptions, Reaction, Subscription } from './bus';
import { silentLogger } from './bus-hooks';
import { BusOverWire } from './bus-over-wire';
import type { JetStreamBusOptions } from './connect-jetstream-bus';
import { DeadLetters } from './dead-letters';
import { JetStreamAdmin } from './jetstream-admin';
import { jetStreamShelf } from './jetstream-shelf';
import { headerBlock, NatsWire } from './nats-wire';
import type { Foreign, OverheardReaction } from './overhear';
import { forgetStream, overhearStream, streamOfSubject } from './overhear-stream';
import { PublishWindow } from './publish-window';
import { PullLoop } from './pull-loop';
import { StreamWatchdog } from './stream-watchdog';
import { checkSubject } from './wire';
import type { Headers } from './wire';

const MAX_IN_FLIGHT = 1_024;
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
const FLUSH_WITHIN_MS = 2_000;

export class JetStreamBus extends BusOverWire<NatsWire> {
  readonly deadLetters: DeadLetters;
  readonly admin: JetStreamAdmin;
  private readonly table: readonly StreamDefinition[];
  private readonly window: PublishWindow;
  private readonly loops = new Set<PullLoop>();
  private draining: Promise<void> | undefined;
  private state: 'connected' | 'away' | 'draining' | 'closed' = 'connected';
  private loopCount = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly jsm: JetStreamManager,
    private readonly options: JetStreamBusOptions,
  ) {
    const { name, claimCheck, logger = silentLogger, metrics = {} } = options;
    const wire = new NatsWire(connection, name, logger);
    const [clock, random] = [systemClock, Math.random];
    super({ wire, name, clock, random, claimCheck, logger, metrics });
    this.table = options.streams ?? Object.values(allStreams);
    this.admin = new JetStreamAdmin(connection, jsm, this.table, logger, metrics);
    const makeStreams = () => this.admin.makeStreams();
    const watchdog = new StreamWatchdog(connection, jsm, this.table, makeStreams, logger);
    this.window = new PublishWindow(
      wire,
      {
        deadlineMs: options.sendWithinMs ?? 10_000,
        ackTimeoutMs: options.ackTimeoutMs ?? 2_000,
        maxInFlight: MAX_IN_FLIGHT,
        maxBytes: MAX_UNSENT_BYTES,
        unanswered: (message) => watchdog.notice(message),
      },
      makeStreams,
      logger,
      metrics,
    );
    this.deadLetters = new DeadLetters(jetStreamShelf(jsm, this.window), claimCheck);
    void this.watch();
    void connection.closed().then((error) => this.ended(error));
  }

  async publish(subject: string, body: Uint8Array, headers: Headers): Promise<void> {
    if (this.state === 'closed') throw new Error('the bus is closed: nothing can be sent any more');
    return this.window.send(subject, body, headerBlock(headers), sharedBy(this.table, subject));
  }

  async consume<T>(
    consumer: ConsumerDefinition,
    options: ConsumeOptions<T>,
    reaction: Reaction<T>,
  ): Promise<Subscription> {
    if (this.draining) throw new Error(`the bus is draining: ${consumer.name} cannot begin`);
    const deliverer = this.deliverer(consumer, options, reaction);
    this.loopCount += 1;
    const loop = new PullLoop({
      connection: this.connection,
      admin: this.admin,
      definition: consumer,
      concurrency: options.concurrency,
      inbox: `${this.parts.wire.inbox}.c${this.loopCount}`,
      deliver: (delivery) => deliverer.deliver(delivery),
      logger: this.parts.logger,
      metrics: this.parts.metrics,
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

  protected makeQueue(queue: ConsumerDefinition): Promise<void> {
    return this.admin.makeConsumer(queue, 1);
  }

  override async overhear(foreign: Foreign, reaction: OverheardReaction): Promise<Subscription> {
    const { stream } = foreign;
    if (stream === undefined) return super.overhear(foreign, reaction);
    return overhearStream(this.connection, this.jsm, { ...foreign, stream }, reaction, {
      logger: this.parts.logger,
      signal: this.stopping.signal,
    });
  }

  override streamOf(filter: string): Promise<string | undefined> {
    return streamOfSubject(this.jsm, filter);
  }

  override forget(foreign: { readonly stream: string; readonly name: string }): Promise<void> {
    return forgetStream(this.jsm, foreign);
  }

  backlog(consumers: readonly ConsumerDefinition[]): Promise<Backlog> {
    return this.admin.backlog(consumers);
  }

  broadcast(subject: string, bytes: Uint8Array): void {
    checkSubject(subject);
    if (this.state !== 'connected') return; // nobody hears it now, and later is too late
    try {
      this.parts.wire.publish(subject, bytes);
    } catch (error) {
      this.parts.logger.warn(
        { subject, bytes: bytes.length, err: error },
        'a broadcast was not sent',
      );
    }
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
    // A server that is away hears no goodbye, so nobody waits for one.
    const partingMs = () => (this.admin.connected ? FLUSH_WITHIN_MS : 0);
    this.stopping.abort(new Error('the process stops'));
    const loops = [...this.loops];
    await endsWithin(partingMs(), Promise.all(loops.map((loop) => loop.close())));
    await this.closeAnswers(left());
    await Promise.all(loops.map((loop) => loop.finish(left())));
    await this.window.idle(left());
    this.window.close('the process stops');
    this.requests.close('the process stops');
    // What was said last, acknowledgements above all, is to reach the server.
    if (!this.connection.isClosed()) await endsWithin(partingMs(), this.connection.flush());
    await endsWithin(partingMs(), this.connection.close());
    this.state = 'closed';
  }

  /** Follows the connection; the client does not tell here that it has ended. */
  private async watch(): Promise<void> {
    const { logger } = this.parts;
    for await (const status of this.connection.status()) {
      const type: string = status.type;
      if (type === Events.Disconnect && this.state === 'connected') {
        this.state = 'away';
        this.admin.connectionLost();
        this.window.connectionLost();
        logger.warn({ server: status.data }, 'NATS is away; reconnecting');
      } else if (type === Events.Reconnect) {
        if (this.state === 'away') this.state = 'connected';
        this.admin.connectionBack();
        this.window.connectionBack();
        for (const loop of this.loops) loop.connectionBack();
        logger.info({ server: status.data }, 'NATS is back');
      } else if (type === Events.Error) {
        logger.error({ code: status.data, context: status.permissionContext }, 'NATS refuses');
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
    this.parts.logger.error({ err: said }, said.message);
    this.options.onClosed?.(said);
  }
}

/** The stream, if it is in memory: the log rings again what is lost of it. Anything else stands alone. */
function sharedBy(table: readonly StreamDefinition[], subject: string): string | undefined {
  const takes = (pattern: string) =>
    pattern.endsWith('.>') && subject.startsWith(pattern.slice(0, -1));
  return table.find(({ storage, subjects }) => storage === 'memory' && subjects.some(takes))?.name;
}
