/** The door to NATS: what a process says to get its bus, and how it waits for a server to be there. */
import type { StreamDefinition } from '@writ/contracts';
import type { ConnectionOptions } from 'nats';
import type { ClaimCheck } from './bus';
import { silentLogger } from './bus-hooks';
import type { BusLogger, BusMetrics } from './bus-hooks';
import { API_TIMEOUT_MS } from './jetstream-admin';
import { JetStreamBus } from './jetstream-bus';
import { dial } from './nats-dial';

export interface JetStreamBusOptions {
  /** One URL, several, or several in one with commas; may hold `user:password@` or `token@`. */
  readonly servers: string | readonly string[];
  readonly token?: string;
  /** The service: names the connection and its inbox. */
  readonly name: string;
  readonly claimCheck?: ClaimCheck;
  readonly logger?: BusLogger;
  readonly metrics?: BusMetrics;
  /** The streams that are made when they are missing. Default: the table of the contracts. */
  readonly streams?: readonly StreamDefinition[];
  /** How long `send` tries. Default 10,000. */
  readonly sendWithinMs?: number;
  /** How long one acknowledgement is awaited. Default 2,000. */
  readonly ackTimeoutMs?: number;
  /** How long the first connection may take. Default 120,000. */
  readonly connectWithinMs?: number;
  /** TLS, credentials and whatever else a deployment needs of the client. */
  readonly connection?: Partial<ConnectionOptions>;
  /** The connection has ended for good, undrained: the process should end too. */
  readonly onClosed?: (error: Error) => void;
}

/**
 * Connects, and makes the streams. Throws when there is no server in time, and a TopologyError when
 * a stream is another one than the table says.
 */
export async function connectJetStreamBus(options: JetStreamBusOptions): Promise<JetStreamBus> {
  const { connectWithinMs = 120_000, logger = silentLogger } = options;
  const deadline = performance.now() + connectWithinMs;
  const connection = await dial({ ...options, connectWithinMs, logger });
  const jsm = await connection.jetstreamManager({ checkAPI: false, timeout: API_TIMEOUT_MS });
  const bus = new JetStreamBus(connection, jsm, options);
  try {
    const { admin } = bus;
    await admin.patiently(deadline - performance.now(), () => admin.makeStreams());
  } catch (error) {
    await bus.drain(0);
    throw error;
  }
  return bus;
}
