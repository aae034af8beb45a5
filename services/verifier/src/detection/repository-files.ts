/** What lies at the top of a repository, as far as detection looks: names, and a few contents. */
import { readdir } from 'node:fs/promises';
import { readFileOf } from '../checks/find-files';

export interface RepositoryFiles {
  /** Folders end with a slash. */
  readonly names: ReadonlySet<string>;
  readonly texts: ReadonlyMap<string, string>;
}

export type ReadRepository = (root: string) => Promise<RepositoryFiles>;

const MAX_BYTES = 1024 * 1024;
const READ =
  /^(package\.json|pyproject\.toml|setup\.cfg|tox\.ini|requirements[\w.-]*\.txt|GNUmakefile|[Mm]akefile)$/;

export const readRepository: ReadRepository = async (root) => {
  const entries = await readdir(root, { withFileTypes: true });
  const names = new Set<string>();
  const texts = new Map<string, string>();
  for (const entry of entries) {
    // A link may be either: dependencies often stand somewhere else.
    if (entry.isDirectory() || entry.isSymbolicLink()) names.add(`${entry.name}/`);
    if (entry.isDirectory()) continue;
    names.add(entry.name);
    if (!READ.test(entry.name)) continue;
    const bytes = await readFileOf(root, entry.name, MAX_BYTES);
    if (typeof bytes !== 'string') texts.set(entry.name, Buffer.from(bytes).toString('utf8'));
  }
  return { names, texts };
};
