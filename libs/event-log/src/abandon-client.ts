import type { Client } from 'pg';

/**
 * Cuts a connection that is of no use any more. Not `end()`: that waits for an answer which a
 * server that is stopped or unreachable never gives.
 */
export function abandonClient(client: Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } })
    .connection;
  stream.destroy();
}
