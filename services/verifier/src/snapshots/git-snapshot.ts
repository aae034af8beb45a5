/**
 * A detached worktree of our own at a run's candidate commit. Never the executor's worktree: that
 * one goes on, or is gone. The user's working tree and branches are not touched; the repository
 * remembers the worktree until it is removed.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { branchOf } from '@writ/contracts';
import { git, GitFailed } from './git';
import type { ScratchFolders } from './scratch-folders';
import { type Snapshot, SnapshotImpossible } from './snapshot';

const TREE = 'tree';

export async function openGitSnapshot(
  folders: ScratchFolders,
  repository: string,
  commit: string | undefined,
  directiveId: string,
): Promise<Snapshot> {
  const folder = await folders.make();
  const close = () => removeGitSnapshot(folders, folder);
  try {
    // A run that changed nothing has no commit of its own: it stands on its directive's branch.
    const wanted = commit ?? `refs/heads/${branchOf(directiveId)}`;
    const found = await commitOf(repository, wanted);
    const root = join(folder, TREE);
    await git(repository, 'worktree', 'add', '--detach', root, found);
    return { root, readOnlyPaths: [repository], close };
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

/** Also of a process that died: the worktree itself says to which repository it belongs. */
export async function removeGitSnapshot(folders: ScratchFolders, folder: string): Promise<void> {
  const tree = join(folder, TREE);
  const link = await readFile(join(tree, '.git'), 'utf8').catch(() => '');
  const gitDir = /^gitdir: (.+)$/m.exec(link)?.[1];
  if (gitDir !== undefined) {
    // <repository>/.git/worktrees/<name>; without the repository there is nothing to tell it.
    const repository = dirname(dirname(gitDir));
    await git(repository, 'worktree', 'remove', '--force', '--force', tree).catch(() => undefined);
  }
  await folders.remove(folder);
}
