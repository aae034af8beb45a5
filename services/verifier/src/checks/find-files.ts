/**
 * Files of a snapshot by path or glob. Nothing outside the snapshot is looked at: a symbolic link is
 * followed only when it ends inside. This serves the good message; where a program runs, the sandbox
 * is the wall.
 */
import { compileGlob } from '@writ/contracts';
import { constants } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { CheckTrouble } from './verdict';

/** Folders and files that one search looks at. */
const MAX_ENTRIES = 200_000;

export type Place =
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number }
  /** `outside`: a symbolic link leads out of the snapshot. `other`: a folder, a pipe, a device. */
  | { readonly kind: 'missing' | 'outside' | 'other'; readonly path: string };

/** What stands at a path, links followed. */
export async function lookAt(root: string, path: string): Promise<Place> {
  let real: string;
  let realRoot: string;
  try {
    [realRoot, real] = await Promise.all([realpath(root), realpath(join(root, path))]);
  } catch (error) {
    if (isAbsence(error)) return { kind: 'missing', path };
    throw error;
  }
  if (real !== realRoot && !real.startsWith(realRoot + sep)) return { kind: 'outside', path };
  const found = await lstat(real);
  return found.isFile() ? { kind: 'file', path, bytes: found.size } : { kind: 'other', path };
}

/** Everything that a path or glob names, without what is missing. */
export async function findFiles(root: string, pattern: string): Promise<Place[]> {
  const glob = compileGlob(pattern);
  if (glob.literal !== null) {
    const place = await lookAt(root, glob.literal);
    return place.kind === 'missing' ? [] : [place];
  }
  const base = await lookAt(root, glob.base);
  if (base.kind === 'outside') return [base];
  const found: Place[] = [];
  let seen = 0;
  const folders = base.kind === 'other' ? [glob.base] : [];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readFolder(join(root, folder))) {
      seen += 1;
      if (seen > MAX_ENTRIES) {
        throw new CheckTrouble(`more than ${MAX_ENTRIES} files below ${glob.base || '.'}`);
      }
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== '.git') folders.push(path);
      } else if (glob.matches(path)) found.push(await lookAt(root, path));
    }
  }
  return found.filter((place) => place.kind !== 'missing').sort(byPath);
}

/** The bytes of a file of the snapshot, or why there are none. */
export async function readFileOf(
  root: string,
  path: string,
  maxBytes: number,
): Promise<Uint8Array | string> {
  const place = await lookAt(root, path);
  if (place.kind !== 'file') return `${path} ${absenceOf(place)}`;
  if (place.bytes > maxBytes) return `${path} is larger than ${maxBytes} bytes`;
  const file = await open(await realpath(join(root, path)), constants.O_NOFOLLOW);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

export function absenceOf(place: Place): string {
  switch (place.kind) {
    case 'missing':
      return 'is missing';
    case 'outside':
      return 'leads out of the workspace through a symbolic link';
    default:
      return 'is not a regular file';
  }
}

const byPath = (a: Place, b: Place) => (a.path < b.path ? -1 : 1);

function readFolder(path: string) {
  return readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    if (isAbsence(error)) return []; // removed while we walk: a directory is not ours alone
    throw error;
  });
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}
