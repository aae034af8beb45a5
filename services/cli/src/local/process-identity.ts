/**
 * Who a process id belongs to. Ids are used again, so a process is its id together with the moment
 * it started; a signal goes to nobody else.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** `started` is opaque: clock ticks since boot on Linux, a date elsewhere. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly started: string;
}

/** Undefined when no such process lives; a zombie counts as dead. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startedLinux(pid) : startedElsewhere(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.started === identity.started;
}

/** Sends each signal in turn and waits; true when it has ended. */
export async function endProcess(
  identity: ProcessIdentity,
  steps: readonly { signal: NodeJS.Signals; waitMs: number }[],
): Promise<boolean> {
  for (const { signal, waitMs } of steps) {
    if (!isAlive(identity)) return true;
    try {
      process.kill(identity.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
      throw error;
    }
    const deadline = performance.now() + waitMs;
    while (isAlive(identity) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return !isAlive(identity);
}

function startedLinux(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // gone
  }
  // The second field is the program's name in parentheses and may itself hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function startedElsewhere(pid: number): string | undefined {
  const argv = ['-o', 'stat=,lstart=', '-p', String(pid)];
  const line = (spawnSync('ps', argv, { encoding: 'utf8' }).stdout ?? '').trim();
  return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
}
