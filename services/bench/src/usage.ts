/**
 * Processor time and memory of processes and their children, from /proc; nothing where there is none.
 * This process is among them: when it is busy, it is what was measured.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in these; the same on every machine that Node runs on. */
const ticksPerSecond = 100;

interface Seen {
  parent: number;
  cpuSeconds: number;
  residentMiB: number;
}

export type Usage = {
  readonly cpuSeconds: Readonly<Record<string, number>>;
  readonly rssMiB: Readonly<Record<string, number>>;
};

/** The name under which this process stands. */
export const CLIENT = 'bench';

export function usageOf(pids: Readonly<Record<string, number>>): Usage {
  const all = processes();
  const cpuSeconds: Record<string, number> = {};
  const rssMiB: Record<string, number> = {};
  for (const [name, root] of Object.entries(pids)) {
    const members = withChildren(root, all);
    const sum = (of: (pid: number) => number) => members.reduce((total, pid) => total + of(pid), 0);
    cpuSeconds[name] = sum((pid) => all.get(pid)?.cpuSeconds ?? 0);
    // The processes of PostgreSQL share most of their memory: each has its part of it.
    const own = name === 'postgres' ? shareOf : (pid: number) => all.get(pid)?.residentMiB ?? 0;
    rssMiB[name] = Math.round(sum(own));
  }
  const { user, system } = process.cpuUsage();
  cpuSeconds[CLIENT] = (user + system) / 1e6;
  rssMiB[CLIENT] = Math.round(process.memoryUsage().rss / 1024 / 1024);
  return { cpuSeconds, rssMiB };
}

/** Memory of these and their children, in MiB; of pages that several have, each has its part. */
export const shareOfAll = (pids: readonly number[]): number =>
  Math.round(
    pids.flatMap((root) => withChildren(root)).reduce((sum, pid) => sum + shareOf(pid), 0),
  );

/** What was used between two looks. Memory is that of the later one. */
export function usageBetween(before: Usage, after: Usage): Usage {
  const spent = Object.entries(after.cpuSeconds).map(([name, seconds]) => [
    name,
    Math.round(Math.max(0, seconds - (before.cpuSeconds[name] ?? 0)) * 100) / 100,
  ]);
  return { cpuSeconds: Object.fromEntries(spent) as Record<string, number>, rssMiB: after.rssMiB };
}

/** The parent of a process; undefined when it is gone, or cannot be seen. */
export const parentOf = (pid: number): number | undefined => processes().get(pid)?.parent;

/** A process, then its children, theirs, ... */
export function withChildren(root: number, seen = processes()): number[] {
  const all = [...seen];
  const found = [root];
  for (let at = 0; at < found.length; at += 1) {
    found.push(...all.filter(([, { parent }]) => parent === found[at]).map(([pid]) => pid));
  }
  return found;
}

function processes(): Map<number, Seen> {
  const seen = new Map<number, Seen>();
  for (const entry of listProc()) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // The name, in parentheses, may hold spaces; the fields follow the last parenthesis.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const own = (fields[11] ?? 0) + (fields[12] ?? 0) + (fields[13] ?? 0) + (fields[14] ?? 0);
      seen.set(Number(entry), {
        parent: fields[1] ?? 0,
        cpuSeconds: own / ticksPerSecond,
        residentMiB: ((fields[21] ?? 0) * 4096) / 1024 / 1024,
      });
    } catch {
      // It ended between the listing and the look.
    }
  }
  return seen;
}

function shareOf(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it ended, or is another user's
  }
}

function listProc(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
