/** The place of the one active relay, in PostgreSQL: a lock, and up to where all is published. */
import { LockSession } from './lock-session';
import type { RelaySeat } from './seats';

export function postgresRelaySeat(url: string): RelaySeat {
  const session = new LockSession({ url, name: 'relay', applicationName: 'writ relay' });
  return {
    get holds() {
      return session.holds;
    },
    tryHold: () => session.tryHold(),
    cursor: async () => {
      const text = 'select position from log.relay_cursor';
      const [row] = await session.query<{ position: string }>(text);
      return Number(row?.position ?? 0);
    },
    save: async (position) => {
      const text = 'update log.relay_cursor set position = $1 where position < $1';
      await session.query(text, [position]);
    },
    close: () => session.close(),
  };
}
