/**
 * The folders of the executor: one for each claim of a run, and the work trees of repositories.
 * Owns their names, and what is left of processes that died: it is removed at the start and from then
 * on now and then (`folder-sweeper.ts`), except what an executor beside us works in.
 */
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { directiveIdOf } from '@writ/contracts';
import type { Leases } from './leases/leases';
import { removeWorktree, type WorktreePlace } from './workspaces/worktree';

export interface WorkFolder {
  readonly path: string;
  /** HOME of the program. */
  readonly home: string;
  readonly tmp: string;
  readonly inputs: string;
  /** What a further attempt is told of the one before. */
  readonly rework: string;
  /** The workspace of a step without one. */
  readonly scratch: string;
  /** Where a work tree goes, outside of this folder. */
  readonly worktree: string;
  /** Of the executor alone: index, captured output, transcript. */
  readonly own: string;
}

const WORKTREE_NOTE = 'worktree.json';

export function workFolder(dataDir: string, runId: string, token: number): WorkFolder {
  const name = token === 1 ? runId : `${runId}-c${token}`;
  const path = join(dataDir, 'runs', name);
  return {
    path,
    home: join(path, 'home'),
    tmp: join(path, 'tmp'),
    inputs: join(path, 'inputs'),
    rework: join(path, 'rework'),
    scratch: join(path, 'work'),
    worktree: join(dataDir, 'workspaces', directiveIdOf(runId), name),
    own: join(path, 'own'),
  };
}

/** Made empty; what an earlier try of this process left there is removed. */
export async function makeWorkFolder(folder: WorkFolder): Promise<void> {
  await removeWorkFolder(folder.path);
  const { home, tmp, inputs, rework, scratch, own } = folder;
  for (const path of [home, tmp, inputs, rework, scratch, own]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
}

/** Kept outside of the work tree: what is inside of it is not believed. */
export async function noteWorktree(folder: WorkFolder, place: WorktreePlace): Promise<void> {
  await writeFile(join(folder.path, WORKTREE_NOTE), JSON.stringify(place), { mode: 0o600 });
}

export async function removeWorkFolder(path: string): Promise<void> {
  const note = await readFile(join(path, WORKTREE_NOTE), 'utf8').catch(() => undefined);
  if (note !== undefined) await removeTree(JSON.parse(note) as WorktreePlace);
  await rm(path, { recursive: true, force: true });
}

/** With the folder of its directive, once no other work tree is in it; git makes it again. */
async function removeTree(place: WorktreePlace): Promise<void> {
  await removeWorktree(place);
  await removeIfEmpty(dirname(place.path));
}

/** Never with what is in it: a run that begins may be making its work tree there. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(code)) throw error;
  }
}

/** Removes the folders of runs that nobody works on, here or elsewhere. Returns how many. */
export async function sweepWorkFolders(
  dataDir: string,
  leases: Pick<Leases, 'living'>,
  isWorkedOnHere: (runId: string) => boolean = () => false,
): Promise<number> {
  const runs = join(dataDir, 'runs');
  const runIdOf = (name: string) => name.replace(/-c\d+$/, '');
  // What is there has had its lease before: whoever asks for leases after it has looked misses none.
  const leftOf = async (folder: string): Promise<string[]> => {
    const names = await readdir(folder).catch(() => []);
    if (names.length === 0) return [];
    const living = await leases.living([...new Set(names.map(runIdOf))]);
    return names.filter((name) => !living.has(runIdOf(name)) && !isWorkedOnHere(runIdOf(name)));
  };
  const left = await leftOf(runs);
  for (const name of left) await removeWorkFolder(join(runs, name));
  const workspaces = join(dataDir, 'workspaces');
  for (const directive of await readdir(workspaces).catch(() => [])) {
    const folder = join(workspaces, directive);
    for (const name of await leftOf(folder)) await removeUnnoted(join(folder, name));
    await removeIfEmpty(folder);
  }
  return left.length;
}

/**
 * A work tree without a note: its process died before it had written one, so no step was ever in it,
 * and its `.git` may be believed as far as the repository says the same.
 */
async function removeUnnoted(path: string): Promise<void> {
  const said = await readFile(join(path, '.git'), 'utf8').catch(() => '');
  const [, adminDir = ''] = /^gitdir: (.+)\n$/.exec(said) ?? [];
  const back = await readFile(join(adminDir, 'gitdir'), 'utf8').catch(() => '');
  const isOurs = adminDir !== '' && back.trim() === join(path, '.git');
  await (isOurs ? removeWorktree({ path, adminDir }) : rm(path, { recursive: true, force: true }));
}
