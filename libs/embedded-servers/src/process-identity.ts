// Who a process id belongs to. A number alone is never enough to send a signal: ids are used
// again, so a process is its id together with the moment it started.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { PROBE_LIMIT_MS } from './find-executable';

/** `started` is opaque: clock ticks since boot on Linux, a date elsewhere. */
export interface ProcessIdentity {
  pid: number;
  started: string;
}

/** Undefined when no such process lives; a zombie counts as dead. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startedLinux(pid) : startedElsewhere(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isSameProcessAlive(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.started === identity.started;
}

/** Program and arguments joined by blanks; empty when the process is gone or hidden. */
export function commandLineOf(pid: number): string {
  if (process.platform === 'linux') {
    return (readProc(`/proc/${pid}/cmdline`) ?? '').split('\0').join(' ').trim();
  }
  return ps(pid, 'command=');
}

function startedLinux(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses and may itself hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? undefined : fields[19];
}

function startedElsewhere(pid: number): string | undefined {
  if (ps(pid, 'stat=').startsWith('Z')) return undefined;
  return ps(pid, 'lstart=') || undefined;
}

function ps(pid: number, column: string): string {
  const options = { encoding: 'utf8', timeout: PROBE_LIMIT_MS } as const;
  const { stdout } = spawnSync('ps', ['-o', column, '-p', String(pid)], options);
  return (stdout ?? '').trim();
}

function readProc(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // gone between two looks, or never there
  }
}
