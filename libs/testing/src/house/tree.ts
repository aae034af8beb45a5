/** The tree as it is on disk, without what is installed, built or left behind by a run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(__dirname, '../../../..');

/** Path from the root, with slashes -> its text. */
export type Tree = ReadonlyMap<string, string>;

/** Folders that the house says nothing about: those of .gitignore, and git's own. */
const ignored = new Set(
  readFileSync(join(root, '.gitignore'), 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('/'))
    .map((line) => line.slice(0, -1)),
).add('.git');

export function readTree(folder = root): Tree {
  const files = new Map<string, string>();
  const walk = (below: string) => {
    for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!ignored.has(entry.name)) walk(path);
      } else if (!entry.name.endsWith('.log')) {
        files.set(path, readFileSync(join(folder, path), 'utf8'));
      }
    }
  };
  walk('');
  return files;
}
