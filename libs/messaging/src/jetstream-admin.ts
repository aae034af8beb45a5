/**
 * The table of subjects, applied to one connection: what the sending and the taking side call when a
 * stream or consumer is not there. Owns that one process asks for one thing once at a time.
 */
import { endsWithin } from '@writ/contracts';
import type { ConsumerDefinition, StreamDefinition } from '@writ/contracts';
import type { JetStreamManager, NatsConnection } from 'nats';
import type { Backlog } from './bus';
import type { BusLogger, BusMetrics } from './bus-hooks';
import {
  applyConsumer,
  applyStream,
  findConsumer,
  findStream,
  isAhead,
  isAltered,
  TopologyError,
} from './topology';

export const API_TIMEOUT_MS = 2_000;
const RETRY_MS = 250;

export type Look =
  | { readonly state: 'fine'; readonly pending: number }
  | { readonly state: 'broken'; readonly why: string };

export class JetStreamAdmin {
  private back: Promise<void> | undefined;
  private isBack: (() => void) | undefined;
  private readonly underWay = new Map<string, Promise<void>>();
  /** What this process has seen as it should be. */
  private readonly known = new Set<string>();

  constructor(
    private readonly connection: NatsConnection,
    private readonly jsm: JetStreamManager,
    private readonly streams: readonly StreamDefinition[],
    private readonly logger: BusLogger,
    private readonly metrics: BusMetrics,
  ) {}

  get connected(): boolean {
    return this.back === undefined;
  }

  /** Resolves at once when there is a connection, else with the next one or the end of all. */
  async whenConnected(): Promise<void> {
    await this.back;
  }

  connectionLost(): void {
    this.back ??= new Promise((resolve) => (this.isBack = resolve));
  }

  connectionBack(): void {
    this.isBack?.();
    this.back = undefined;
  }

  get closed(): boolean {
    return this.connection.isClosed();
  }

  /**
   * Tries until it works: a server that starts answers late. Throws at once what another try cannot
   * change, and after the time what was the matter last.
   */
  async patiently<T>(withinMs: number, work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      try {
        if (!(await endsWithin(deadline - performance.now(), this.whenConnected()))) {
          throw new Error(`there was no connection to NATS for ${withinMs} ms; is it running?`);
        }
        return await work();
      } catch (error) {
        const hopeless = error instanceof TopologyError || this.closed;
        if (hopeless || performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async makeStreams(): Promise<void> {
    await Promise.all(this.streams.map((stream) => this.makeStream(stream)));
  }

  async makeConsumer(definition: ConsumerDefinition, concurrency: number): Promise<void> {
    const stream = this.streams.find(({ name }) => name === definition.stream);
    if (!stream) {
      throw new TopologyError(
        `the consumer ${definition.name} wants the stream ${definition.stream}, which is not in the ` +
          'table of this bus: add it to its streams',
      );
    }
    await this.makeStream(stream);
    await this.once(definition.name, () => applyConsumer(this.jsm, definition, concurrency));
  }

  /** Whether a consumer is there and will see what comes; one ahead of its stream is removed. */
  async lookAt(definition: ConsumerDefinition): Promise<Look> {
    const { stream, name } = definition;
    const [consumer, its] = await Promise.all([
      findConsumer(this.jsm, stream, name),
      findStream(this.jsm, stream),
    ]);
    if (!its) return { state: 'broken', why: `the stream ${stream} is gone` };
    if (!consumer) return { state: 'broken', why: 'the consumer is gone' };
    if (isAhead(consumer, its)) {
      // A message may have come between the two answers; then it is not ahead any more.
      const again = await findStream(this.jsm, stream);
      if (again && isAhead(consumer, again)) {
        await this.jsm.consumers.delete(stream, name);
        return { state: 'broken', why: 'the consumer was ahead of its stream' };
      }
    }
    if (isAltered(consumer, definition)) return { state: 'broken', why: 'it was altered' };
    return { state: 'fine', pending: consumer.num_pending };
  }

  async backlog(definitions: readonly ConsumerDefinition[]): Promise<Backlog> {
    const found = await Promise.all(
      definitions.map(({ stream, name }) => findConsumer(this.jsm, stream, name)),
    );
    return {
      waiting: found.reduce((sum, it) => sum + (it?.num_pending ?? 0), 0),
      inHands: found.reduce((sum, it) => sum + (it?.num_ack_pending ?? 0), 0),
    };
  }

  private async makeStream(stream: StreamDefinition): Promise<void> {
    await this.once(stream.name, () => applyStream(this.jsm, stream));
  }

  private async once(
    name: string,
    apply: () => Promise<'unchanged' | 'created' | 'updated'>,
  ): Promise<void> {
    const already = this.underWay.get(name);
    if (already) return already;
    const work = apply().then((done) => {
      const wasThere = this.known.has(name);
      this.known.add(name);
      if (done === 'unchanged') return;
      this.logger.info({ name, done }, 'a stream or consumer of NATS was set right');
      if (wasThere) this.metrics.healed?.(name);
    });
    this.underWay.set(name, work);
    try {
      await work;
    } finally {
      this.underWay.delete(name);
    }
  }
}
