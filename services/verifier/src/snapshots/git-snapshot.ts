/**
 * A repository of our own at a run's candidate commit. It borrows the objects of the user's
 * repository and writes nothing there: no worktree is registered in it, so snapshots, executors and
 * the user do not get into each other's way, and there is nothing to take back after a crash.
 */
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { branchOf } from '@writ/contracts';
import { git, GitFailed } from './git';
import type { ScratchFolders } from './scratch-folders';
import { type FileChange, type Snapshot, SnapshotImpossible } from './snapshot';

const TREE = 'tree';

export async function openGitSnapshot(
  folders: ScratchFolders,
  repository: string,
  commit: string | undefined,
  directiveId: string,
): Promise<Snapshot> {
  const folder = await folders.make();
  const close = () => folders.remove(folder);
  try {
    // A run that changed nothing has no commit of its own: it stands on its directive's branch.
    const wanted = commit ?? `refs/heads/${branchOf(directiveId)}`;
    const found = await commitOf(repository, wanted);
    // Asked before anything of the step's own runs, and in the repository, not in what it may write.
    const changes = await changesOf(repository, found, directiveId);
    const root = join(folder, TREE);
    const objects = await layOut(repository, found, root);
    // Not the repository: its settings may hold credentials, and beside it lies what is not committed.
    return { root, readOnlyPaths: await borrowed(objects), changes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function commitOf(repository: string, name: string): Promise<string> {
  if (!/^([0-9a-f]{40,64}|refs\/heads\/writ\/[a-z0-9]+)$/.test(name)) {
    throw new SnapshotImpossible(`${JSON.stringify(name.slice(0, 100))} is not a commit`);
  }
  const folder = await stat(repository).catch(() => undefined);
  if (!folder?.isDirectory()) throw new SnapshotImpossible(`there is no folder ${repository}`);
  try {
    return await git(repository, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`);
  } catch (error) {
    if (!(error instanceof GitFailed) || error.exitCode === undefined) throw error;
    throw new SnapshotImpossible(`the repository ${repository} has no commit ${name}`);
  }
}

/**
 * From the commit that the step began with: the last one that the run's commit and the directive's
 * branch have in common, which only moves on by merges. A run that changed nothing stands on it.
 */
async function changesOf(
  repository: string,
  commit: string,
  directiveId: string,
): Promise<FileChange[] | undefined> {
  let start: string;
  try {
    start = await git(repository, 'merge-base', commit, `refs/heads/${branchOf(directiveId)}`);
  } catch (error) {
    if (!(error instanceof GitFailed) || error.exitCode === undefined) throw error;
    return undefined; // there is no such branch, or it has nothing to do with the commit
  }
  const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--numstat', '-z'];
  const said = await git(repository, 'diff', ...plain, start, commit, '--');
  return said.split('\0').flatMap((line) => {
    const [, added, removed, path] = /^(\d+|-)\t(\d+|-)\t(.+)$/s.exec(line) ?? [];
    if (path === undefined) return [];
    return [{ path, added: Number(added) || 0, removed: Number(removed) || 0 }];
  });
}

/** The folder of objects, and those that it borrows from in turn. */
async function borrowed(objects: string): Promise<string[]> {
  const text = await readFile(join(objects, 'info/alternates'), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return [objects, ...lines.map((line) => resolve(objects, line))];
}

/** Checks the commit out into a new repository, tags included; returns where its objects are. */
async function layOut(repository: string, commit: string, root: string): Promise<string> {
  const asked = ['rev-parse', '--show-object-format', '--git-common-dir'];
  const [format = 'sha1', common = '.git'] = (await git(repository, ...asked)).split('\n');
  const from = resolve(repository, common);
  const own = join(root, '.git');
  await git(repository, 'init', '--quiet', '--template=', `--object-format=${format}`, root);
  await mkdir(join(own, 'objects/info'), { recursive: true });
  await writeFile(join(own, 'objects/info/alternates'), `${join(from, 'objects')}\n`);
  await copyFile(join(from, 'shallow'), join(own, 'shallow')).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  const tags = await git(
    repository,
    'for-each-ref',
    '--format=%(objectname) %(refname)',
    'refs/tags',
  );
  if (tags !== '') await writeFile(join(own, 'packed-refs'), `${tags}\n`);
  await git(root, 'checkout', '--quiet', '--detach', commit);
  return join(from, 'objects');
}
