import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** How long a program that is only looked at (its version, what it can) may take. */
export const PROBE_LIMIT_MS = 20_000;

/** The first executable file of that name on PATH, then in `extraFolders`; links are followed. */
export function findExecutable(name: string, extraFolders: string[] = []): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of [...folders, ...extraFolders]) {
    const file = join(folder, name);
    if (isExecutable(file)) return realpathSync(file);
  }
  return undefined;
}

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
