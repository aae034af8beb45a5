/**
 * One stack in one folder. Owns the note of who runs it and of every process that belongs to it, with
 * which what a killed supervisor left behind is found again.
 *
 * C1 The note appears whole and only where none is, so of two who start at once one loses.
 * C2 A folder is taken while the supervisor in its note lives.
 * C3 Whoever finds the note of a dead supervisor ends what it left, and only that: a process is known
 *    by its id and the moment it started.
 */
import { identityOf, isSameProcessAlive, type ProcessIdentity } from '@writ/embedded-servers';
import { linkSync, rmSync } from 'node:fs';

import { CliError } from '../cli-error';
import { readJsonFile, removeFile, writeJson } from './keep-json';
import { endProcess } from './end-process';
import type { StackHome } from './stack-home';

export interface Note {
  readonly supervisor: ProcessIdentity;
  /** By name, in the order in which they were started. */
  readonly processes: Readonly<Record<string, ProcessIdentity>>;
}

export interface Claim {
  note(name: string, pid: number): void;
  release(): void;
}

/** Services whose servers are gone wait for them; whatever they do is safe to cut off. */
const BRIEFLY = [
  { signal: 'SIGTERM', waitMs: 3_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;
/** SIGINT sends PostgreSQL's clients away; on SIGTERM it would wait for them. */
const INTERRUPTED = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;

export function readNote(home: StackHome): Note | undefined {
  return readJsonFile(home.supervisorFile) as Note | undefined;
}

/** Throws CliError `already_running` naming the process that has the folder. */
export async function claimHome(home: StackHome, tell: (text: string) => void): Promise<Claim> {
  const supervisor = identityOf(process.pid)!;
  let note: Note = { supervisor, processes: {} };
  for (let attempt = 0; attempt < 5 && !place(home, note); attempt += 1) {
    const found = readNote(home);
    if (found !== undefined && isSameProcessAlive(found.supervisor)) {
      const { pid } = found.supervisor;
      const message = `a stack runs in ${home.path} already (process ${pid}); "writ down" stops it`;
      throw new CliError('already_running', message, { pid });
    }
    if (found !== undefined) await endLeftovers(found, tell);
    removeFile(home.supervisorFile);
  }
  if (readNote(home)?.supervisor.pid !== process.pid) {
    throw new CliError('already_running', `others start a stack in ${home.path} at the same time`);
  }
  removeFile(home.stackFile); // of an earlier stack: nobody may take it for this one's
  return {
    note: (name, pid) => {
      const identity = identityOf(pid);
      if (identity === undefined) return; // ended already; it is started again soon
      note = { supervisor, processes: { ...note.processes, [name]: identity } };
      writeJson(home.supervisorFile, note);
    },
    release: () => {
      removeFile(home.stackFile);
      removeFile(home.supervisorFile);
    },
  };
}

/** Services first, servers last: in the order opposite to their start. */
export async function endLeftovers(note: Note, tell: (text: string) => void): Promise<void> {
  const left = Object.entries(note.processes).filter(([, identity]) =>
    isSameProcessAlive(identity),
  );
  const servers = left.filter(([name]) => name === 'nats' || name === 'postgres').reverse();
  const others = left.filter((it) => !servers.includes(it));
  if (left.length > 0) {
    tell(`ending what an earlier stack left: ${left.map(([name]) => name).join(', ')}`);
  }
  await Promise.all(others.map(([name, identity]) => end(name, identity)));
  for (const [name, identity] of servers) await end(name, identity);
}

async function end(name: string, identity: ProcessIdentity): Promise<void> {
  if (await endProcess(identity, name === 'postgres' ? INTERRUPTED : BRIEFLY)) return;
  const message = `${name} (process ${identity.pid}) cannot be ended; try: kill -9 ${identity.pid}`;
  throw new CliError('stop_failed', message, { pid: identity.pid });
}

/** C1 */
function place(home: StackHome, note: Note): boolean {
  const draft = `${home.supervisorFile}.${process.pid}`;
  writeJson(draft, note);
  try {
    linkSync(draft, home.supervisorFile);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
