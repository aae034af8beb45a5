import { isSameProcessAlive, type ProcessIdentity } from './process-identity';
import { ServerError } from './server-error';
import { waitUntil } from './wait-until';

const WAIT_MS = 10_000;

export interface Orphan {
  /** For messages: `PostgreSQL` or `NATS`. */
  name: string;
  folder: string;
  identity: ProcessIdentity;
  /** From polite to final. */
  signals: NodeJS.Signals[];
}

/** Ends a server whose owner is dead; throws FOLDER_IN_USE when it does not end. */
export async function stopOrphan(orphan: Orphan, log: (line: string) => void): Promise<void> {
  const { name, folder, identity, signals } = orphan;
  log(`stopping ${name} (pid ${identity.pid}), which an earlier start left running on ${folder}`);
  for (const signal of signals) {
    if (isSameProcessAlive(identity)) send(identity.pid, signal);
    if (await waitUntil(() => !isSameProcessAlive(identity), WAIT_MS)) return;
  }
  throw new ServerError(
    'FOLDER_IN_USE',
    `${name} (pid ${identity.pid}) runs on ${folder} and does not end; ` +
      `end it with \`kill -9 ${identity.pid}\``,
  );
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // ESRCH: it ended between the look and the signal. EPERM: another user's; the wait reports it.
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
