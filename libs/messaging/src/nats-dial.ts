/** The connection to NATS: how it is made, and that the client keeps it for ever. */
import { connect, ErrorCode } from 'nats';
import type { ConnectionOptions, NatsConnection, NatsError } from 'nats';
import type { BusLogger } from './bus-hooks';

export interface DialOptions {
  /** One URL, several, or several in one with commas; may hold `user:password@` or `token@`. */
  readonly servers: string | readonly string[];
  readonly token?: string;
  readonly name: string;
  /** How long to wait for a server at the start. */
  readonly connectWithinMs: number;
  /** TLS, credentials and whatever else a deployment needs. */
  readonly connection?: Partial<ConnectionOptions>;
  readonly logger: BusLogger;
}

/** With two unanswered, a connection that is open and dead is noticed within 6 s. */
const PING_INTERVAL_MS = 2_000;
const DIAL_TIMEOUT_MS = 3_000;
const LONGEST_WAIT_MS = 2_000;

/** Waits for the first connection with patience; afterwards the client reconnects for ever. */
export async function dial(options: DialOptions): Promise<NatsConnection> {
  const servers = [options.servers].flat().flatMap((list) => list.split(','));
  const places = servers.map(withoutSecrets).join(', ');
  const deadline = performance.now() + options.connectWithinMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await connect({
        ...settings(options),
        ...credentialsOf(servers),
        servers: servers.map(withoutSecrets),
      });
    } catch (error) {
      if ((error as NatsError).code === ErrorCode.AuthorizationViolation) {
        throw new Error(`NATS at ${places} refuses this process: check NATS_TOKEN`, {
          cause: error,
        });
      }
      const waitMs = reconnectDelayMs(attempt);
      if (performance.now() + waitMs > deadline) {
        throw new Error(
          `no NATS server answered at ${places} within ${options.connectWithinMs} ms ` +
            `(${(error as Error).message}): start one, or set NATS_URL to where it is`,
          { cause: error },
        );
      }
      if (attempt === 1 || attempt % 10 === 0) {
        const fields = { servers: places, attempt, err: error };
        options.logger.warn(fields, 'NATS cannot be reached; trying again');
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

function settings(options: DialOptions): ConnectionOptions {
  return {
    name: `writ-${options.name}`,
    ...(options.token === undefined ? {} : { token: options.token }),
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
export function inboxPrefix(name: string): string {
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

/** The client does not read them from a URL. */
function credentialsOf(servers: readonly string[]): Partial<ConnectionOptions> {
  for (const server of servers) {
    const found = /\/\/([^@/:]*)(?::([^@/]*))?@/.exec(server);
    if (!found) continue;
    const [, user = '', pass] = found.map((part) => part && decodeURIComponent(part));
    return pass === undefined ? { token: user } : { user, pass };
  }
  return {};
}

function withoutSecrets(server: string): string {
  return server.replace(/\/\/[^@/]*@/, '//');
}
