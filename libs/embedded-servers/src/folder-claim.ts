// Who uses a server's folder. Two servers on one folder destroy it (NATS has no lock of its own),
// so the launcher leaves a note beside the folder: which process owns it and which server runs.
//
// 1. The note appears and disappears whole: it is linked into place, and renamed away.
// 2. A folder is in use while its owner lives and its server lives or is still to be started.
// 3. A server whose owner is dead is an orphan; the one who takes the claim over stops it.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { identityOf, isSameProcessAlive, type ProcessIdentity } from './process-identity';
import { ServerError } from './server-error';

interface Note {
  owner: ProcessIdentity;
  server?: ProcessIdentity;
}

export interface FolderClaim {
  /** A server left running by an owner that died. */
  orphan: ProcessIdentity | undefined;
  serverStarted(pid: number): void;
  release(): void;
}

/** Throws FOLDER_IN_USE when a living process has the folder. */
export function claimFolder(folder: string, server: string): FolderClaim {
  const file = `${folder}.owner.json`;
  mkdirSync(dirname(file), { recursive: true });
  const owner = identityOf(process.pid)!;
  let orphan: ProcessIdentity | undefined;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (place(file, { owner })) {
      return {
        orphan,
        serverStarted: (pid) => {
          replace(file, { owner, server: identityOf(pid) });
        },
        release: () => rmSync(file, { force: true }),
      };
    }
    const text = read(file);
    if (text === undefined) continue; // released just now
    const note = parse(text);
    if (note && inUse(note)) throw folderInUse(folder, server, note);
    if (note?.server && isSameProcessAlive(note.server)) orphan = note.server;
    takeAway(file, text);
  }
  throw new ServerError(
    'FOLDER_IN_USE',
    `${server}: several processes want the folder ${folder} at once; start one of them`,
  );
}

function inUse(note: Note): boolean {
  return (
    isSameProcessAlive(note.owner) && (note.server === undefined || isSameProcessAlive(note.server))
  );
}

function folderInUse(folder: string, server: string, note: Note): ServerError {
  return new ServerError(
    'FOLDER_IN_USE',
    `${server}: the folder ${folder} is in use by process ${note.owner.pid}; ` +
      `stop that process or choose another folder`,
  );
}

function place(file: string, note: Note): boolean {
  const draft = write(file, note);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(file: string, note: Note): void {
  renameSync(write(file, note), file);
}

function write(file: string, note: Note): string {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, JSON.stringify(note), { mode: 0o600 });
  return draft;
}

/** Removes the stale note that was read; puts back one that another placed in between. */
function takeAway(file: string, expected: string): void {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (read(aside) === expected) rmSync(aside);
  else renameSync(aside, file);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string): Note | undefined {
  try {
    return JSON.parse(text) as Note;
  } catch {
    return undefined; // an empty file after a power cut: nobody lives who wrote it
  }
}
