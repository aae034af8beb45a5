/** The two ways to part from a connection to PostgreSQL. */
import { endsWithin } from '@writ/contracts';
import type { ClientBase } from 'pg';

/**
 * Cuts a connection that is of no use any more. Not `end()`: that waits for an answer which a
 * server that is stopped or unreachable never gives.
 */
export function abandonClient(client: ClientBase): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } })
    .connection;
  stream.destroy();
}

/** Says goodbye, and cuts the connection when the server does not part within so long. */
export async function endClient(
  client: ClientBase & { end(): Promise<void> },
  withinMs: number,
): Promise<void> {
  if (!(await endsWithin(withinMs, client.end()))) abandonClient(client);
}
