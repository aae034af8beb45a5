/** `npm ci` goes by the lock file alone: what it does not hold is not installed and not linked. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../../..');
const read = (path: string) =>
  JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, unknown>;
const { packages } = read('package-lock.json') as { packages: Record<string, unknown> };
const folders = ['libs', 'services'].flatMap((kind) =>
  readdirSync(join(root, kind)).map((name) => `${kind}/${name}`),
);

test.each(['', ...folders])('the lock file knows what "%s" declares', (folder) => {
  const declared = read(join(folder, 'package.json'));
  const locked = (packages[folder] ?? {}) as Record<string, unknown>;
  for (const part of ['bin', 'dependencies', 'devDependencies']) {
    expect({ part, is: locked[part] }).toEqual({ part, is: declared[part] });
  }
});
