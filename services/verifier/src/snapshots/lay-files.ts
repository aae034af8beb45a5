/** Content laid into a folder of our own, as files by path. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WorkspacePath } from '@writ/contracts';
import { ContentError, type ContentStore } from '@writ/content-store';
import type { ScratchFolders } from './scratch-folders';
import { SnapshotImpossible } from './snapshot';

export interface LaidFile {
  readonly path: string;
  readonly digest: string;
  readonly executable?: boolean;
}

/** The folder that holds them. Throws SnapshotImpossible; then nothing is left of it. */
export async function layFiles(
  folders: Pick<ScratchFolders, 'make' | 'remove'>,
  content: ContentStore,
  files: readonly LaidFile[],
): Promise<string> {
  const root = await folders.make();
  try {
    for (const file of files) await lay(root, content, file);
    return root;
  } catch (error) {
    await folders.remove(root);
    throw error;
  }
}

async function lay(root: string, content: ContentStore, file: LaidFile): Promise<void> {
  const { path, digest, executable } = file;
  if (!WorkspacePath.safeParse(path).success) {
    throw new SnapshotImpossible(`the file ${JSON.stringify(path)} is no path in a workspace`);
  }
  const target = join(root, path);
  try {
    await mkdir(dirname(target), { recursive: true });
    const laid = createWriteStream(target, { flags: 'wx', mode: executable ? 0o755 : 0o644 });
    await pipeline(await content.openRead(digest), laid);
  } catch (error) {
    const lost = error instanceof ContentError && /^(not_found|corrupt)$/.test(error.code);
    const clash = /^(EEXIST|ENOTDIR|EISDIR|ENAMETOOLONG)$/.test(codeOf(error));
    if (lost) throw new SnapshotImpossible(`the file ${path}: ${error.message}`);
    if (clash) throw new SnapshotImpossible(`the file ${path} cannot lie beside the others`);
    throw error;
  }
}

const codeOf = (error: unknown) => String((error as NodeJS.ErrnoException).code);
