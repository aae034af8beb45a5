/** Chooses the kind of snapshot by the directive's workspace. */
import { realpath, stat } from 'node:fs/promises';
import type { EvaluateWork } from '@writ/contracts';
import type { ContentStore } from '@writ/content-store';
import { openGitSnapshot } from './git-snapshot';
import { layFiles } from './lay-files';
import type { ScratchFolders } from './scratch-folders';
import { type Snapshot, SnapshotImpossible } from './snapshot';

export type OpenSnapshot = (work: EvaluateWork) => Promise<Snapshot>;

/**
 * Throws SnapshotImpossible when what the run made is not there any more; any other error may pass.
 */
export function snapshotsIn(folders: ScratchFolders, content: ContentStore): OpenSnapshot {
  return async ({ workspace, workspacePath, commit, directiveId, artifacts }) => {
    switch (workspace.kind) {
      case 'none':
        return openArtifacts(folders, content, artifacts);
      case 'directory':
        return openDirectory(workspacePath ?? workspace.path);
      case 'git':
        return openGitSnapshot(folders, workspacePath ?? workspace.repository, commit, directiveId);
    }
  };
}

/** The folders of processes that died; to be called before the first snapshot. */
export function sweepSnapshots(folders: ScratchFolders): Promise<number> {
  return folders.sweep((folder) => folders.remove(folder));
}

/** Without a workspace a run has made its artifacts and nothing else. */
async function openArtifacts(
  folders: ScratchFolders,
  content: ContentStore,
  artifacts: EvaluateWork['artifacts'],
): Promise<Snapshot> {
  const root = await layFiles(folders, content, artifacts);
  return { root, readOnlyPaths: [], close: () => folders.remove(root) };
}

/** A directory has no history: what is in it now is all there is. */
async function openDirectory(path: string): Promise<Snapshot> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw new SnapshotImpossible(`there is no folder ${path}`);
  return { root: await realpath(path), readOnlyPaths: [], close: async () => undefined };
}
