/**
 * The connection to NATS: how it is made and kept, and messages as bytes over it. Owns headers on
 * the wire. A subscriber must never throw: an exception would end the reader of the connection, so
 * it is caught and logged here.
 */
import { randomBytes } from 'node:crypto';
import { TerminalError } from '@writ/contracts';
import { connect } from 'nats';
import type { ConnectionOptions, Msg, MsgHdrs, NatsConnection } from 'nats';
import type { BusLogger } from './bus-hooks';
import { noHeaders } from './wire';
import type { Headers, Wire, WireMessage, WireSubscription } from './wire';

export interface DialOptions {
  readonly servers: string | readonly string[];
  readonly token?: string;
  readonly name: string;
  /** How long to wait for a server at the start. */
  readonly connectWithinMs: number;
  /** TLS, credentials and whatever else a deployment needs. */
  readonly connection?: Partial<ConnectionOptions>;
  readonly logger: BusLogger;
}

const PING_INTERVAL_MS = 5_000;
const DIAL_TIMEOUT_MS = 5_000;
const LONGEST_WAIT_MS = 2_000;
const NO_RESPONDERS = 503;

/** Waits for the first connection with patience; afterwards the client reconnects for ever. */
export async function dial(options: DialOptions): Promise<NatsConnection> {
  const servers = [options.servers].flat();
  const deadline = performance.now() + options.connectWithinMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect({ ...settings(options), servers: [...servers] });
    } catch (error) {
      const waitMs = reconnectDelayMs(attempt);
      if (performance.now() + waitMs > deadline) {
        throw new Error(
          `no NATS server answered at ${servers.map(withoutSecrets).join(', ')} within ` +
            `${options.connectWithinMs} ms (${(error as Error).message}): ` +
            'start one, or set NATS_URL to where it is',
          { cause: error },
        );
      }
      if (attempt === 1 || attempt % 10 === 0) {
        const fields = { servers: servers.map(withoutSecrets), attempt, err: error };
        options.logger.warn(fields, 'NATS cannot be reached; trying again');
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

function settings(options: DialOptions): ConnectionOptions {
  return {
    name: `writ-${options.name}`,
    token: options.token,
    inboxPrefix: inboxPrefix(options.name),
    reconnect: true,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: growingPatience(),
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    timeout: DIAL_TIMEOUT_MS,
    noAsyncTraces: true,
    ...options.connection,
  };
}

/** So that permissions can let a service read its own replies and nobody else's. */
function inboxPrefix(name: string): string {
  return `_INBOX_${name.replace(/[^A-Za-z0-9_-]/g, '_')}`;
}

/** The client asks before each attempt and after each wait; long silence means it was connected. */
function growingPatience(): () => number {
  const silenceMs = 2 * (LONGEST_WAIT_MS + DIAL_TIMEOUT_MS);
  let asked = 0;
  let attempts = 0;
  return () => {
    const now = performance.now();
    attempts = now - asked > silenceMs ? 1 : attempts + 1;
    asked = now;
    return reconnectDelayMs(Math.ceil(attempts / 2));
  };
}

function reconnectDelayMs(attempt: number): number {
  const doubled = 50 * 2 ** Math.min(attempt - 1, 10);
  return Math.min(doubled, LONGEST_WAIT_MS) * (0.75 + Math.random() / 2);
}

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
}

export function wireMessage(message: Msg): WireMessage {
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

function withoutSecrets(server: string): string {
  return server.replace(/\/\/[^@/]*@/, '//');
}
