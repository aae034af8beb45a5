// Who uses a server's folder. Two servers on one folder destroy it (NATS has no lock of its own),
// so the launcher leaves a note beside the folder: which process owns it and which server runs.
//
// 1. The note appears and disappears whole: it is linked into place, and renamed away.
// 2. A folder is in use while its owner lives and its server lives or is still to be started.
// 3. A server whose owner is dead is an orphan; the one who takes the claim over stops it.
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
  /** Notes the server's process; undefined between two tries of one start. */
  runs(pid: number | undefined): void;
  release(): void;
}

/** Throws FOLDER_IN_USE when a living process has the folder. */
export function claimFolder(folder: string, server: string): FolderClaim {
  const file = noteOf(folder);
  makeParent(folder, server);
  const owner = identityOf(process.pid)!;
  let orphan: ProcessIdentity | undefined;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (place(file, { owner })) return claimOf(file, owner, orphan);
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

/** True while the folder's owner and its server live. */
export function isFolderInUse(folder: string): boolean {
  const text = read(noteOf(folder));
  const note = text === undefined ? undefined : parse(text);
  return note !== undefined && inUse(note);
}

function noteOf(folder: string): string {
  return `${folder}.owner.json`;
}

function makeParent(folder: string, server: string): void {
  const parent = dirname(folder);
  try {
    mkdirSync(parent, { recursive: true });
    accessSync(parent, constants.W_OK);
  } catch (cause) {
    const message =
      `${server}: nothing can be written in ${parent} (${(cause as Error).message}); ` +
      'give that folder to this user, or choose another one';
    throw new ServerError('START_FAILED', message, { cause });
  }
}

function claimOf(
  file: string,
  owner: ProcessIdentity,
  orphan: ProcessIdentity | undefined,
): FolderClaim {
  let held = true;
  return {
    orphan,
    runs: (pid) => {
      const server = pid === undefined ? undefined : identityOf(pid);
      if (held) replace(file, server ? { owner, server } : { owner });
    },
    // Only once: the file may be the next owner's by now.
    release: () => {
      if (held) rmSync(file, { force: true });
      held = false;
    },
  };
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
