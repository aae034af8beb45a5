/**
 * Makes NATS look as the table of subjects says. Owns what a stream and a consumer are on the
 * server, and what is done when one differs: what can be changed is changed, for the rest an error
 * names the cure. Any number of processes may do this at once, at any time, also to heal.
 *
 * T1 Nothing with messages in it is ever deleted here. A consumer holds none, but is deleted only
 *    when it is ahead of its stream and would wait for ever.
 * T2 `max_deliver` is unlimited on the server: it would hide a message, not give it up.
 * T3 `max_ack_pending` is shared by all processes of a consumer, so it is only ever raised.
 * T4 What an operator set beyond the table (replicas, placement) stays.
 */
import type { ConsumerDefinition, StreamDefinition } from '@writ/contracts';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  nanos,
  NatsError,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
} from 'nats';
import type {
  ConsumerConfig,
  ConsumerInfo,
  JetStreamManager,
  StreamConfig,
  StreamInfo,
} from 'nats';

/** A stream or consumer that cannot be had as the table says; the message names the cure. */
export class TopologyError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TopologyError';
  }
}

/** The least `max_ack_pending`: enough for many processes, each with twice its concurrency. */
const MIN_ACK_PENDING = 1_000;

const STREAM_NOT_FOUND = 10059;
const CONSUMER_NOT_FOUND = 10014;
const NAME_IN_USE = new Set([10058, 10013, 10148]);
const SUBJECTS_OVERLAP = 10065;
/** Of memory, of storage, of either. Several who make one stream count several times, for a moment. */
const NO_ROOM = new Set([10028, 10047, 10023]);
const ATTEMPTS = 5;
const PAUSE_MS = 50;

type Fields = Readonly<Record<string, unknown>>;

/** Both deletions and creations may be under way elsewhere, hence the attempts. */
export async function applyStream(
  jsm: JetStreamManager,
  definition: StreamDefinition,
): Promise<'unchanged' | 'created' | 'updated'> {
  const wanted = streamConfig(definition);
  for (let attempt = 1; ; attempt += 1) {
    const found = await findStream(jsm, definition.name);
    try {
      if (!found) {
        await jsm.streams.add(wanted);
        return 'created';
      }
      refuseFixed(`stream ${definition.name}`, found.config, wanted, ['storage', 'retention'], () =>
        cureOfStream(definition),
      );
      if (differing(found.config, wanted).length === 0) return 'unchanged';
      await jsm.streams.update(definition.name, wanted); // into what is there (T4)
      return 'updated';
    } catch (error) {
      const code = apiCode(error);
      if (attempt < ATTEMPTS && (NAME_IN_USE.has(code) || code === STREAM_NOT_FOUND)) continue;
      if (attempt < ATTEMPTS && NO_ROOM.has(code)) {
        await new Promise((resolve) => setTimeout(resolve, attempt * PAUSE_MS));
        continue;
      }
      throw explain(error, `stream ${definition.name}`, await overlapping(jsm, definition, code));
    }
  }
}

export async function applyConsumer(
  jsm: JetStreamManager,
  definition: ConsumerDefinition,
  concurrency: number,
): Promise<'unchanged' | 'created' | 'updated'> {
  const { stream, name } = definition;
  for (let attempt = 1; ; attempt += 1) {
    const found = await findConsumer(jsm, stream, name);
    try {
      if (!found) {
        await jsm.consumers.add(stream, consumerConfig(definition, concurrency));
        return 'created';
      }
      const wanted = consumerConfig(definition, concurrency, found.config);
      refuseFixed(`consumer ${name}`, found.config, wanted, FIXED_OF_CONSUMER, () =>
        cureOfConsumer(definition),
      );
      if (differing(found.config, wanted).length === 0) return 'unchanged';
      await jsm.consumers.update(stream, name, wanted);
      return 'updated';
    } catch (error) {
      const code = apiCode(error);
      if (attempt < ATTEMPTS && (NAME_IN_USE.has(code) || code === CONSUMER_NOT_FOUND)) continue;
      throw explain(error, `consumer ${name} of ${stream}`, cureOfConsumer(definition));
    }
  }
}

/** Whether the consumer waits for messages that its stream will not number for a long time. */
export function isAhead(consumer: ConsumerInfo, stream: StreamInfo): boolean {
  const last = stream.state.last_seq;
  return consumer.ack_floor.stream_seq > last || consumer.delivered.stream_seq > last;
}

/** Whether somebody changed the consumer behind our back. */
export function isAltered(info: ConsumerInfo, definition: ConsumerDefinition): boolean {
  return differing(info.config, consumerConfig(definition, 1, info.config)).length > 0;
}

export async function findStream(
  jsm: JetStreamManager,
  name: string,
): Promise<StreamInfo | undefined> {
  return jsm.streams.info(name).catch((error: unknown) => absent(error, STREAM_NOT_FOUND));
}

export async function findConsumer(
  jsm: JetStreamManager,
  stream: string,
  name: string,
): Promise<ConsumerInfo | undefined> {
  return jsm.consumers
    .info(stream, name)
    .catch((error: unknown) => absent(error, CONSUMER_NOT_FOUND));
}

function absent(error: unknown, code: number): undefined {
  const found = apiCode(error);
  if (found === code || found === STREAM_NOT_FOUND) return undefined;
  throw error;
}

export function streamConfig(
  definition: StreamDefinition,
): Partial<StreamConfig> & { name: string } {
  const queue = definition.retention === 'workqueue';
  return {
    name: definition.name,
    description: definition.purpose,
    subjects: [...definition.subjects],
    retention: queue ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: definition.storage === 'file' ? StorageType.File : StorageType.Memory,
    max_age: nanos(definition.maxAgeMs),
    max_bytes: definition.maxBytes,
    duplicate_window: nanos(definition.duplicateWindowMs),
    // A full queue says no to its sender; a full record forgets its oldest.
    discard: queue ? DiscardPolicy.New : DiscardPolicy.Old,
  };
}

const FIXED_OF_CONSUMER = ['deliver_policy', 'ack_policy', 'replay_policy'];

export function consumerConfig(
  definition: ConsumerDefinition,
  concurrency: number,
  existing?: ConsumerConfig,
): ConsumerConfig {
  const pending = Math.max(MIN_ACK_PENDING, 2 * concurrency, existing?.max_ack_pending ?? 0); // T3
  return {
    durable_name: definition.name,
    description: definition.purpose,
    filter_subject: definition.subject,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    ack_wait: nanos(definition.ackWaitMs),
    max_deliver: -1, // T2
    max_ack_pending: pending,
  };
}

/** Only what the table speaks of is compared (T4). */
function differing(found: object, wanted: object): string[] {
  const have = found as Fields;
  return Object.entries(wanted)
    .filter(([key, value]) => JSON.stringify(have[key]) !== JSON.stringify(value))
    .map(([key]) => key);
}

function refuseFixed(
  what: string,
  found: object,
  wanted: object,
  fixed: readonly string[],
  cure: () => string,
): void {
  const wrong = differing(found, wanted).filter((key) => fixed.includes(key));
  if (wrong.length === 0) return;
  const said = wrong.map((key) => {
    return `${key} is ${String((found as Fields)[key])} instead of ${String((wanted as Fields)[key])}`;
  });
  throw new TopologyError(
    `the ${what} on this server is another one, and NATS cannot change it: ${said.join(', ')}. ${cure()}`,
  );
}

function cureOfStream({ name, storage }: StreamDefinition): string {
  const note =
    storage === 'memory'
      ? 'what is in it is rung again from the log'
      : 'let its consumers empty it first, what is in it exists nowhere else';
  return `Delete it with "nats stream rm ${name}" (${note}) and start again.`;
}

function cureOfConsumer({ name, stream }: ConsumerDefinition): string {
  return (
    `Delete it with "nats consumer rm ${stream} ${name}" and start again: ` +
    'it holds no messages, only which of them were handled.'
  );
}

async function overlapping(
  jsm: JetStreamManager,
  definition: StreamDefinition,
  code: number,
): Promise<string> {
  if (code !== SUBJECTS_OVERLAP) return 'Look at its limits with "nats server report jetstream".';
  const owners = new Set<string>();
  for (const subject of definition.subjects) {
    for await (const name of jsm.streams.names(subject)) owners.add(name);
  }
  return `Its subjects belong to ${[...owners].join(', ') || 'another stream'}: delete that one.`;
}

function explain(error: unknown, what: string, cure: string): unknown {
  if (error instanceof TopologyError || apiCode(error) === 0) return error;
  const said = (error as NatsError).message;
  return new TopologyError(`NATS refuses the ${what}: ${said}. ${cure}`, { cause: error });
}

/** The JetStream error code; 0 when it is not the server's answer. */
function apiCode(error: unknown): number {
  return error instanceof NatsError ? (error.api_error?.err_code ?? 0) : 0;
}
