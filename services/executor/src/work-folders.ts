/**
 * The folders of the executor: one for each claim of a run, and the work trees of repositories.
 * Owns their names, and what is left of earlier processes: it is removed at the start, except what
 * an executor beside us works in.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { directiveIdOf } from '@writ/contracts';
import type { Leases } from './leases/leases';
import { removeWorktree, type WorktreePlace } from './workspaces/worktree';

export interface WorkFolder {
  readonly path: string;
  /** HOME of the program. */
  readonly home: string;
  readonly tmp: string;
  readonly inputs: string;
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
    scratch: join(path, 'work'),
    worktree: join(dataDir, 'workspaces', directiveIdOf(runId), name),
    own: join(path, 'own'),
  };
}

/** Made empty; what an earlier try of this process left there is removed. */
export async function makeWorkFolder(folder: WorkFolder): Promise<void> {
  await removeWorkFolder(folder.path);
  for (const path of [folder.home, folder.tmp, folder.inputs, folder.scratch, folder.own]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }
}

/** Kept outside of the work tree: what is inside of it is not believed. */
export async function noteWorktree(folder: WorkFolder, place: WorktreePlace): Promise<void> {
  await writeFile(join(folder.path, WORKTREE_NOTE), JSON.stringify(place), { mode: 0o600 });
}

export async function removeWorkFolder(path: string): Promise<void> {
  const note = await readFile(join(path, WORKTREE_NOTE), 'utf8').catch(() => undefined);
  if (note !== undefined) await removeWorktree(JSON.parse(note) as WorktreePlace);
  await rm(path, { recursive: true, force: true });
}

/** Removes the folders of runs that nobody works on. Returns how many. */
export async function sweepWorkFolders(
  dataDir: string,
  leases: Pick<Leases, 'living'>,
): Promise<number> {
  const runs = join(dataDir, 'runs');
  const names = await readdir(runs).catch(() => []);
  const runIdOf = (name: string) => name.replace(/-c\d+$/, '');
  const living = await leases.living([...new Set(names.map(runIdOf))]);
  const left = names.filter((name) => !living.has(runIdOf(name)));
  for (const name of left) await removeWorkFolder(join(runs, name));
  await sweepWorkspaces(join(dataDir, 'workspaces'), living, runIdOf);
  return left.length;
}

/** Work trees whose note is gone, and the folders of directives that have none any more. */
async function sweepWorkspaces(
  workspaces: string,
  living: ReadonlySet<string>,
  runIdOf: (name: string) => string,
): Promise<void> {
  for (const directive of await readdir(workspaces).catch(() => [])) {
    const folder = join(workspaces, directive);
    const trees = await readdir(folder).catch(() => []);
    const left = trees.filter((name) => !living.has(runIdOf(name)));
    for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
    if (left.length === trees.length) await rm(folder, { recursive: true, force: true });
  }
}
