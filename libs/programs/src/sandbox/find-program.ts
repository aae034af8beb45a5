/**
 * Which file an argv names, by the rules of `execvp`, and what of the file system that program needs
 * besides the system's own folders: the prefix it is installed in.
 */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';

export interface ProgramNotFound {
  readonly code: 'program_not_found' | 'not_executable' | 'not_a_file' | 'bad_name';
  readonly message: string;
}

/** `cwd` is where a name with a slash begins; `path` is PATH. */
export async function findProgram(
  name: string,
  { cwd, path }: { cwd: string; path: string },
): Promise<string | ProgramNotFound> {
  if (name === '' || name.includes('\0')) {
    return { code: 'bad_name', message: 'the program has no name, or one with a NUL in it' };
  }
  if (name.includes('/')) return look(isAbsolute(name) ? name : resolve(cwd, name), name);
  let worse: ProgramNotFound | undefined;
  for (const folder of path.split(':').filter(isAbsolute)) {
    const found = await look(join(folder, name), name);
    if (typeof found === 'string') return found;
    if (found.code !== 'program_not_found') worse ??= found;
  }
  return worse ?? { code: 'program_not_found', message: `there is no program "${name}" on PATH` };
}

async function look(path: string, name: string): Promise<string | ProgramNotFound> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    return { code: 'program_not_found', message: `there is no program "${name}"` };
  }
  if (!found.isFile()) {
    return { code: 'not_a_file', message: `"${name}" (${path}) is not a file` };
  }
  const executable = await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (executable && (found.mode & 0o111) !== 0) return path;
  return { code: 'not_executable', message: `"${name}" (${path}) is not executable` };
}

/** Bound in every sandbox. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
const PROGRAM_FOLDERS = ['bin', 'sbin', 'shims', 'libexec'];

/** Where the program and what it brings along lie outside of the system's folders. */
export async function placesOf(program: string): Promise<string[]> {
  const places = new Set<string>();
  for (const path of [program, await realpath(program)]) {
    if (SYSTEM.some((folder) => isInside(folder, path))) continue;
    places.add(prefixOf(path));
  }
  return [...places].filter((one) => ![...places].some((it) => it !== one && isInside(it, one)));
}

/** `/opt/tool` for `/opt/tool/bin/tool`. A home folder is never shown: there only the file is. */
function prefixOf(path: string): string {
  const folder = dirname(path);
  if (isInside('/nix/store', path)) return '/nix/store';
  const prefix = PROGRAM_FOLDERS.includes(basename(folder)) ? dirname(folder) : folder;
  const tooWide = prefix === '/' || isHome(prefix) || basename(prefix) === '.local';
  return tooWide ? path : prefix;
}

function isHome(path: string): boolean {
  return path === homedir() || path === '/root' || /^\/(home|Users)(\/[^/]+)?$/.test(path);
}

export function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
