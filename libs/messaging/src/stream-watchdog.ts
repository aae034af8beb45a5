/**
 * Mends a stream that takes messages and says nothing. At the first write that fails (its files were
 * removed, a file could not be opened) nats-server 2.14 gives up writing to a file store for good,
 * and what is published to it from then on is dropped without an answer until the server is started
 * again. Information, refusals and consumers go on, so only the senders notice.
 *
 * S1 Slow is not broken. A stream looks at what is published to it in order, and answers in order.
 *    So the message is published once more and right behind it one that the stream must refuse: if
 *    the refusal comes and no answer to the message, it was dropped. Where a stream is replicated
 *    its answers are not in order; it is left alone, since another server takes over.
 * S2 What can still be had is not thrown away. As long as a consumer has a message in its hands, or
 *    one can be read that not all consumers have handled, the stream stays; they go on taking.
 * S3 One process at a time, and only the stream that was found broken: who deletes it holds it by a
 *    consumer of a fixed name, which exists once, ends with the stream, and by itself if its maker
 *    dies. Who gets hold of a younger stream than he found broken lets it go.
 */
import { randomUUID } from 'node:crypto';
import type { StreamDefinition } from '@writ/contracts';
import { AckPolicy, DeliverPolicy, Empty, headers, nanos, NatsError, ReplayPolicy } from 'nats';
import type { ConsumerInfo, JetStreamManager, NatsConnection, StreamInfo } from 'nats';
import type { BusLogger } from './bus-hooks';
import { API_TIMEOUT_MS } from './jetstream-admin';

/** A message that was published and published again, and nothing at all was heard of it. */
export interface Unanswered {
  readonly subject: string;
  /** Publishes it once more. The result tells whether nothing has been heard since. */
  again(): () => boolean;
}

const LOOK_EVERY_MS = 5_000;
const HOLDER = 'mending';
const HOLD_MS = 30_000;
const STREAM_MISMATCH = 10060;
const NO_MESSAGE_FOUND = 10037;
const CONSUMER_EXISTS = new Set([10013, 10148]);

export class StreamWatchdog {
  private readonly nextLook = new Map<string, number>();

  constructor(
    private readonly connection: NatsConnection,
    private readonly jsm: JetStreamManager,
    private readonly table: readonly StreamDefinition[],
    private readonly makeStreams: () => Promise<void>,
    private readonly logger: BusLogger,
  ) {}

  /** Returns at once; one look at a stream at a time, and not all the time. */
  notice(message: Unanswered): void {
    const definition = this.table.find((stream) => isStored(stream, message.subject));
    if (!definition) return;
    const { name } = definition;
    if (performance.now() < (this.nextLook.get(name) ?? 0)) return;
    this.nextLook.set(name, Infinity);
    this.look(definition, message)
      .catch((err: unknown) => {
        this.logger.warn(
          { stream: name, err },
          'a stream is silent, and no look at it is to be had',
        );
      })
      .finally(() => this.nextLook.set(name, performance.now() + LOOK_EVERY_MS));
  }

  private async look(definition: StreamDefinition, message: Unanswered): Promise<void> {
    const { name } = definition;
    const found = await this.jsm.streams.info(name);
    if (found.config.num_replicas > 1) return; // S1
    if (!(await this.drops(name, message))) return;
    if (!(await this.hold(definition))) return;
    const kept = await this.remove(found);
    if (kept !== undefined) {
      await this.jsm.consumers.delete(name, HOLDER);
      if (kept) this.logger.warn({ stream: name, kept }, 'a stream drops messages; it is kept yet');
      return;
    }
    this.logger.warn(
      { stream: name, messages: found.state.messages, lastSequence: found.state.last_seq },
      'a stream dropped what was sent to it, without an answer; it was deleted to be made again',
    );
    await this.makeStreams();
    message.again();
  }

  /** S1 */
  private async drops(stream: string, message: Unanswered): Promise<boolean> {
    const isSilent = message.again();
    const expecting = headers();
    expecting.set('Nats-Expected-Stream', `not-${stream}`);
    const how = { headers: expecting, timeout: API_TIMEOUT_MS };
    const { data } = await this.connection.request(message.subject, Empty, how);
    const answer = JSON.parse(Buffer.from(data).toString()) as {
      stream?: string;
      error?: { err_code?: number };
    };
    return (
      answer.stream === stream && answer.error?.err_code === STREAM_MISMATCH && isSilent() // in order
    );
  }

  /** S3. In memory: the files of the stream may be gone. */
  private async hold({ name, subjects }: StreamDefinition): Promise<boolean> {
    try {
      await this.jsm.consumers.add(name, {
        name: HOLDER,
        description: `deletes this stream, ${randomUUID()}`, // who comes with another finds it taken
        filter_subject: subjects[0]!.replace('>', HOLDER),
        ack_policy: AckPolicy.Explicit,
        deliver_policy: DeliverPolicy.All,
        replay_policy: ReplayPolicy.Instant,
        mem_storage: true,
        inactive_threshold: nanos(HOLD_MS),
      });
      return true;
    } catch (error) {
      if (CONSUMER_EXISTS.has(apiCode(error))) return false;
      throw error;
    }
  }

  /** Undefined when it was deleted, else why not; empty when another process has mended it. */
  private async remove(found: StreamInfo): Promise<string | undefined> {
    const { name } = found.config;
    const began = performance.now();
    const now = await this.jsm.streams.info(name);
    if (now.created !== found.created) return ''; // S3
    const kept = await this.reasonToKeep(now);
    if (kept !== undefined) return kept;
    if (performance.now() - began > HOLD_MS / 2) return 'this process took too long';
    await this.jsm.streams.delete(name);
    return undefined;
  }

  /** S2 */
  private async reasonToKeep({ config, state }: StreamInfo): Promise<string | undefined> {
    const { name, retention } = config;
    const consumers: ConsumerInfo[] = [];
    for await (const consumer of this.jsm.consumers.list(name)) {
      if (consumer.name !== HOLDER) consumers.push(consumer);
    }
    if (consumers.some(({ num_ack_pending: held }) => held > 0)) return 'messages are in hands';
    if (state.messages === 0) return undefined;
    const ends = [state.first_seq, state.last_seq].map((seq) => this.canBeRead(name, seq));
    if (!(await Promise.all(ends)).includes(true)) return undefined;
    const handled = consumers.length > 0 && consumers.every(({ num_pending: left }) => left === 0);
    if (retention === 'workqueue' && handled) return undefined; // only removing them failed
    return 'messages can still be read';
  }

  private async canBeRead(stream: string, seq: number): Promise<boolean> {
    try {
      await this.jsm.streams.getMessage(stream, { seq });
      return true;
    } catch (error) {
      if (apiCode(error) === NO_MESSAGE_FOUND) return false;
      throw error; // not to know is no reason to delete
    }
  }
}

function isStored({ storage, subjects }: StreamDefinition, subject: string): boolean {
  return (
    storage === 'file' &&
    subjects.some((pattern) => pattern.endsWith('.>') && subject.startsWith(pattern.slice(0, -1)))
  );
}

const apiCode = (error: unknown): number =>
  error instanceof NatsError ? (error.api_error?.err_code ?? 0) : 0;
