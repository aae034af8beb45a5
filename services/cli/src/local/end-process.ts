/** Ends a process that is known by its id and its start, and nobody else's. */
import { isSameProcessAlive, type ProcessIdentity } from '@writ/embedded-servers';

/** Sends each signal in turn and waits; true when it has ended. */
export async function endProcess(
  identity: ProcessIdentity,
  steps: readonly { signal: NodeJS.Signals; waitMs: number }[],
): Promise<boolean> {
  for (const { signal, waitMs } of steps) {
    if (!isSameProcessAlive(identity)) return true;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
      throw error;
    }
    const deadline = performance.now() + waitMs;
    while (isSameProcessAlive(identity) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return !isSameProcessAlive(identity);
}
