/**
 * One digest for all files of a folder, by which two runs in it can be compared: paths, contents and
 * which files are executable. A folder that is too large to read each time has none.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '@writ/contracts';
import { InsideFolder, PathRefused } from './inside-folder';
import { listFiles, TooManyFiles } from './list-files';

export interface DigestLimits {
  readonly files: number;
  readonly bytes: number;
}

const LIMITS: DigestLimits = { files: 5000, bytes: 128 * 1024 * 1024 };

/** Undefined when the folder is beyond the limits or changes while it is read. */
export async function digestFolder(
  root: string,
  skip: (path: string) => boolean,
  limits: DigestLimits = LIMITS,
): Promise<string | undefined> {
  try {
    const files = await listFiles(root, '', { skip, limit: limits.files });
    const folder = new InsideFolder(root);
    const entries: unknown[] = [];
    let bytes = 0;
    for (const { path, kind } of files.sort((a, b) => (a.path < b.path ? -1 : 1))) {
      if (kind !== 'file') {
        // What a link shows may change without it: such a folder has no digest.
        return undefined;
      }
      const { file, stats } = await folder.openRead(path);
      try {
        bytes += stats.size;
        if (bytes > limits.bytes) return undefined;
        const hash = createHash('sha256')
          .update(await file.readFile())
          .digest('hex');
        entries.push([path, hash, (stats.mode & 0o111) !== 0]);
      } finally {
        await file.close();
      }
    }
    return `sha256:${createHash('sha256').update(canonicalJson(entries)).digest('hex')}`;
  } catch (error) {
    if (error instanceof TooManyFiles || error instanceof PathRefused) return undefined;
    throw error;
  }
}
