/**
 * O1 of `overhear.ts`: messages of somebody else's stream, by a durable consumer. Owns that it is made
 * again when it is gone; the stream is never made or changed here.
 */
import { AckPolicy, DeliverPolicy, nanos } from 'nats';
import type { Consumer, ConsumerMessages, JetStreamManager, JsMsg, NatsConnection } from 'nats';
import { pause, systemClock } from '@writ/contracts';
import type { Subscription } from './bus';
import type { BusLogger } from './bus-hooks';
import { headersOfMsg } from './nats-wire';
import type { Foreign, OverheardReaction } from './overhear';

const ACK_WAIT_MS = 30_000;
const AT_A_TIME = 32;
const ASKED_FOR_MS = 20_000;
const AGAIN_AFTER_MS = 1_000;

/** The stream whose subjects are all that the filter can mean; undefined when there is none. */
export async function streamOfSubject(
  jsm: JetStreamManager,
  filter: string,
): Promise<string | undefined> {
  for await (const { config } of jsm.streams.list(filter)) {
    if (config.subjects?.some((pattern) => covers(pattern, filter))) return config.name;
  }
  return undefined;
}

/** Whether whatever falls under the filter falls under the pattern. */
export function covers(pattern: string, filter: string): boolean {
  const allowed = pattern.split('.');
  const wanted = filter.split('.');
  for (const [at, token] of allowed.entries()) {
    const asked = wanted[at];
    if (asked === undefined) return false;
    if (token === '>') return true;
    if (asked === '>' || (token !== '*' && token !== asked)) return false;
  }
  return allowed.length === wanted.length;
}

/** Until it is closed, or `signal` is aborted because the process stops. */
export async function overhearStream(
  connection: NatsConnection,
  jsm: JetStreamManager,
  foreign: Foreign & { readonly stream: string },
  reaction: OverheardReaction,
  { logger, signal }: { readonly logger: BusLogger; readonly signal: AbortSignal },
): Promise<Subscription> {
  let consumer = await makeConsumer(connection, jsm, foreign);
  let messages: ConsumerMessages | undefined;
  let closed = false;
  const stopped = () => closed || signal.aborted || connection.isClosed();
  const leave = () => void messages?.close().catch(() => undefined);
  signal.addEventListener('abort', leave);
  const work = async () => {
    let troubles = 0;
    while (!stopped()) {
      try {
        if (troubles > 0) consumer = await makeConsumer(connection, jsm, foreign);
        messages = await consumer.fetch({ max_messages: AT_A_TIME, expires: ASKED_FOR_MS });
        if (stopped()) leave();
        for await (const message of messages) await settle(message, reaction, logger);
        troubles = 0;
      } catch (error) {
        if (stopped()) return;
        troubles += 1;
        if (troubles > 1) logger.warn({ ...foreign, err: error }, 'a stream cannot be heard');
        await pause(systemClock, troubles === 1 ? 0 : AGAIN_AFTER_MS);
      }
    }
  };
  const working = work();
  return {
    close: async () => {
      closed = true;
      signal.removeEventListener('abort', leave);
      leave();
      await working;
    },
  };
}

/** What was taken note of is forgotten; no error when there is nothing. */
export async function forgetStream(
  jsm: JetStreamManager,
  { stream, name }: { readonly stream: string; readonly name: string },
): Promise<void> {
  const there = await jsm.consumers.info(stream, name).then(
    () => true,
    () => false,
  );
  if (there) await jsm.consumers.delete(stream, name);
}

async function makeConsumer(
  connection: NatsConnection,
  jsm: JetStreamManager,
  { stream, name, subject }: Foreign & { readonly stream: string },
): Promise<Consumer> {
  await jsm.consumers.add(stream, {
    durable_name: name,
    description: 'makes directives of Writ',
    filter_subject: subject,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.New,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: -1,
  });
  return connection.jetstream().consumers.get(stream, name);
}

async function settle(
  message: JsMsg,
  reaction: OverheardReaction,
  logger: BusLogger,
): Promise<void> {
  const { subject, data: body, info } = message;
  try {
    const headers = headersOfMsg({ headers: message.headers, data: body });
    const origin = `${info.stream}-${info.streamSequence}-${info.timestampNanos}`;
    await reaction({ subject, headers, body, origin });
    message.ack();
  } catch (error) {
    const delayMs = Math.min(100 * 2 ** Math.min(info.deliveryCount, 10), ACK_WAIT_MS);
    logger.warn({ subject, delayMs, err: error }, 'a message of others is tried again');
    message.nak(delayMs);
  }
}
