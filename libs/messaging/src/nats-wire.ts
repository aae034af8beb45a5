/**
 * Messages as bytes over a connection to NATS. Owns headers on the wire. A subscriber must never
 * throw: an exception would end the reader of the connection, so it is caught and logged here.
 */
import { randomBytes } from 'node:crypto';
import { TerminalError } from '@writ/contracts';
import type { Msg, MsgHdrs, NatsConnection } from 'nats';
import type { BusLogger } from './bus-hooks';
import { inboxPrefix } from './nats-dial';
import { noHeaders } from './wire';
import type { Headers, Wire, WireMessage, WireSubscription } from './wire';

const NO_RESPONDERS = 503;

export class NatsWire implements Wire {
  readonly inbox: string;

  constructor(
    readonly connection: NatsConnection,
    name: string,
    private readonly logger: BusLogger,
  ) {
    this.inbox = `${inboxPrefix(name)}.${randomBytes(9).toString('base64url')}`;
  }

  get maxPayload(): number {
    return this.connection.info?.max_payload ?? 1024 * 1024;
  }

  publish(subject: string, body: Uint8Array, headers?: Headers, replyTo?: string): void {
    const block = headers && headers.size > 0 ? headerBlock(headers) : undefined;
    this.publishBlock(subject, body, block, replyTo);
  }

  /** With headers that were written before, for those who may have to publish them again. */
  publishBlock(subject: string, body: Uint8Array, block?: Uint8Array, replyTo?: string): void {
    this.connection.publish(subject, body, {
      // The client asks headers for nothing but their bytes, and we have written them.
      headers: block && ({ encode: () => block } as unknown as MsgHdrs),
      reply: replyTo,
    });
  }

  subscribe(
    subject: string,
    group: string | undefined,
    heard: (message: WireMessage) => void,
  ): WireSubscription {
    const subscription = this.connection.subscribe(subject, {
      queue: group,
      callback: (error, message) => {
        try {
          if (error) throw error;
          heard(wireMessage(message));
        } catch (failure) {
          this.logger.error({ subject, err: failure }, 'a message on the wire could not be taken');
        }
      },
    });
    return {
      drain: async () => {
        if (!subscription.isClosed() && !this.connection.isClosed()) await subscription.drain();
      },
    };
  }

  flush(): Promise<void> {
    return this.connection.flush();
  }
}

function wireMessage(message: Msg): WireMessage {
  const headers = headersOfMsg(message);
  return {
    subject: message.subject,
    headers,
    body: message.data,
    replyTo: message.reply ?? '',
    unheard: message.data.length === 0 && message.headers?.code === NO_RESPONDERS,
  };
}

/** Names in lower case, since clients write them as they like. */
export function headersOfMsg(message: { headers?: MsgHdrs; data: Uint8Array }): Headers {
  if (!message.headers) return noHeaders;
  const headers = new Map<string, string>();
  for (const [name, values] of message.headers) {
    const key = name.toLowerCase();
    if (!headers.has(key)) headers.set(key, values[0] ?? '');
  }
  return headers;
}

/** The header section of a NATS message; lower-case names keep theirs. */
export function headerBlock(headers: Headers): Uint8Array {
  let text = 'NATS/1.0\r\n';
  for (const [name, value] of headers) {
    if (/[\r\n]/.test(value)) {
      throw new TerminalError('bad-header', `the header ${name} contains a line break`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(text + '\r\n');
}
