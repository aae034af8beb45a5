/** Walks a folder without following links, in a bounded way. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface ListedFile {
  /** Relative to the folder, with slashes. */
  readonly path: string;
  readonly kind: 'file' | 'symbolic_link' | 'other';
}

/** There is more than may be looked at. */
export class TooManyFiles extends Error {
  constructor(readonly limit: number) {
    super(`there are more than ${limit} files`);
    this.name = 'TooManyFiles';
  }
}

export interface ListOptions {
  /** Files and folders, relative, that are left out. */
  readonly skip?: (path: string) => boolean;
  readonly limit: number;
}

/** All files below `root`/`from`, in no order. A folder that is not there has none. */
export async function listFiles(
  root: string,
  from: string,
  { skip, limit }: ListOptions,
): Promise<ListedFile[]> {
  const found: ListedFile[] = [];
  const open = [from];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of await read(join(root, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (skip?.(path) === true) continue;
      if (entry.isDirectory()) open.push(path);
      else found.push({ path, kind: kindOf(entry) });
      if (found.length + open.length > limit) throw new TooManyFiles(limit);
    }
  }
  return found;
}

function kindOf(entry: Dirent): ListedFile['kind'] {
  if (entry.isFile()) return 'file';
  return entry.isSymbolicLink() ? 'symbolic_link' : 'other';
}

async function read(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
