/**
 * Which processes descend from one, and how to end them. A process is named by pid and start time:
 * a pid alone may belong to somebody else by now.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot on Linux; what `ps` says elsewhere. */
  readonly startedAt: string;
}

interface Row extends ProcessId {
  readonly parent: number;
}

/** The process as it runs now; undefined when there is none (a zombie counts as none). */
export function identify(pid: number): ProcessId | undefined {
  const row = process.platform === 'linux' ? readStat(pid) : listWithPs().find(hasPid(pid));
  return row && { pid, startedAt: row.startedAt };
}

const hasPid = (pid: number) => (row: Row) => row.pid === pid;

export function isAlive({ pid, startedAt }: ProcessId): boolean {
  return identify(pid)?.startedAt === startedAt;
}

/** All descendants, parents before their children; the root itself is not among them. */
export function descendantsOf(root: number): ProcessId[] {
  const children = new Map<number, Row[]>();
  for (const row of listAll()) {
    const siblings = children.get(row.parent);
    if (siblings === undefined) children.set(row.parent, [row]);
    else siblings.push(row);
  }
  const found: ProcessId[] = [];
  const open = [root];
  for (let pid = open.shift(); pid !== undefined; pid = open.shift()) {
    for (const child of children.get(pid) ?? []) {
      found.push({ pid: child.pid, startedAt: child.startedAt });
      open.push(child.pid);
    }
  }
  return found;
}

/** False when it is gone already. */
export function signal(target: ProcessId, name: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false;
  return send(target.pid, name);
}

/** The process, its group and all that descends from it, at once. */
export function killTree(root: ProcessId): void {
  const family = descendantsOf(root.pid);
  if (isAlive(root)) {
    send(-root.pid, 'SIGKILL');
    send(root.pid, 'SIGKILL');
  }
  for (const member of family) signal(member, 'SIGKILL');
}

/**
 * What is left of the group that a process led which has just ended. A group keeps its number while
 * it has members, so nobody else is met.
 */
export function killGroupOf({ pid }: Pick<ProcessId, 'pid'>): void {
  send(-pid, 'SIGKILL');
}

/** Processes that carry this variable in their environment; Linux only. */
export function processesWith(variable: string, value: string): ProcessId[] {
  if (process.platform !== 'linux') return [];
  const wanted = `\0${variable}=${value}\0`;
  return listAll().filter(({ pid }) => {
    try {
      return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(wanted);
    } catch {
      return false; // gone, or somebody else's
    }
  });
}

/** Without a process namespace a daemon is found by a mark, if it left that in its environment. */
export function endMarked(variable: string, value: string): void {
  for (const leftover of processesWith(variable, value)) signal(leftover, 'SIGKILL');
}

function send(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

function listAll(): Row[] {
  if (process.platform !== 'linux') return listWithPs();
  const rows: Row[] = [];
  for (const name of readdirSync('/proc')) {
    const row = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

function readStat(pid: number): Row | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // it has ended meanwhile
  }
  // The name is in parentheses and may hold anything, parentheses too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields;
  if (state === 'Z' || state === 'X') return undefined;
  return { pid, parent: Number(parent), startedAt: fields[19] ?? '' };
}

function listWithPs(): Row[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart='], { encoding: 'utf8' });
  return text.split('\n').flatMap((line) => {
    const [pid, parent, state, ...startedAt] = line.trim().split(/\s+/);
    if (pid === undefined || pid === '' || state?.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), startedAt: startedAt.join(' ') }];
  });
}
