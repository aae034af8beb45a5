/**
 * How bytes come into a folder store: as a draft that is renamed when it is whole. Owns the order
 * draft, fsync, rename, fsync of the directory, and that nothing stays behind when it fails.
 *
 * The directory syncs are not grouped: content spreads over 65,536 directories, so two writers
 * hardly ever meet in one, and on a journaling file system the first sync commits the journal for
 * all that wait with it.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ContentError, type StoredContent } from './content-store';

/** A draft that nobody has written to for so long belongs to a process that died. */
const DRAFT_AGE_MS = 60 * 60 * 1000;

export class FolderDrafts {
  private readonly folder: string;

  constructor(
    private readonly root: string,
    private readonly pathOf: (digest: string) => string,
  ) {
    this.folder = join(root, 'tmp');
  }

  /** Makes the folder when it is missing and removes the drafts of processes that died long ago. */
  async prepare(): Promise<void> {
    await this.own(mkdir(this.folder, { recursive: true }));
    const limit = Date.now() - DRAFT_AGE_MS;
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      const found = await stat(path).catch(() => undefined); // moved or swept meanwhile
      if (found && found.mtimeMs < limit) await this.own(rm(path, { force: true }));
    }
  }

  /**
   * `fill` appends the pieces and returns what they are. Errors of the file system become
   * ContentError `cannot_write` with place and cure; errors of `fill` itself pass as they are.
   */
  async write(
    fill: (append: (piece: Uint8Array) => Promise<void>) => Promise<StoredContent>,
  ): Promise<StoredContent> {
    const draft = join(this.folder, `${randomUUID()}.tmp`);
    try {
      const handle = await this.own(open(draft, 'wx', 0o444));
      let stored: StoredContent;
      try {
        stored = await fill((piece) => this.own(handle.writeFile(piece)));
        await this.own(handle.sync());
      } finally {
        await handle.close();
      }
      await this.own(this.publish(draft, this.pathOf(stored.digest)));
      return stored;
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined); // swept at a later start
      throw error;
    }
  }

  private async publish(draft: string, path: string): Promise<void> {
    const folder = dirname(path);
    try {
      await rename(draft, path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      await mkdir(folder, { recursive: true });
      await rename(draft, path);
      await syncDirectory(dirname(folder));
      await syncDirectory(this.root);
    }
    await syncDirectory(folder);
  }

  private own<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      const reason = CURES[codeOf(error)] ?? 'the file system refuses it';
      const message = `cannot write to the content folder ${this.root}: ${reason} (${String(error)})`;
      throw new ContentError('cannot_write', message, { cause: error });
    });
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const codeOf = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code ?? '';

const CURES: Record<string, string> = {
  ENOSPC: 'the disk is full; make room on it',
  EDQUOT: 'the disk quota is used up; raise it or make room',
  EFBIG: 'the file would be larger than the process may write (ulimit -f)',
  EROFS: 'the file system is read-only; mount it for writing or set WRIT_CONTENT_DIR',
  EACCES: 'the process may not write there; change the owner or set WRIT_CONTENT_DIR',
  EPERM: 'the process may not write there; change the owner or set WRIT_CONTENT_DIR',
  ENOTDIR: 'a file stands where the folder should be; set WRIT_CONTENT_DIR to a folder',
  EIO: 'the disk reports an error; look at the system log',
  EMFILE: 'the process has too many open files (ulimit -n)',
};
