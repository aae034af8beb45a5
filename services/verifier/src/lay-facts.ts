/**
 * What programs of checks are told about the step besides its files: the criteria that it is to meet
 * and the files that it changed, each as a file whose path stands in the environment.
 */
import type { EvaluateWork } from '@writ/contracts';
import { lookAt } from './checks/find-files';
import type { Snapshot } from './snapshots/snapshot';
import type { ScratchFolders } from './snapshots/scratch-folders';

export interface Facts {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

export async function layFacts(
  folders: Pick<ScratchFolders, 'makeWith'>,
  work: EvaluateWork,
  snapshot: Pick<Snapshot, 'root' | 'changes'>,
): Promise<Facts | undefined> {
  if (!work.checks.some(({ kind }) => kind === 'program' || kind === 'detected')) return undefined;
  const named = work.acceptanceCriteriaIds.map((id) => ({ id, criterion: '' }));
  const changed = await changedFiles(work, snapshot);
  const folder = await folders.makeWith({
    'criteria.json': `${JSON.stringify(work.criteria ?? named, null, 2)}\n`,
    'changed-files': changed.map((path) => `${asLine(path)}\n`).join(''),
  });
  return {
    folder,
    environment: {
      WRIT_CRITERIA: `${folder}/criteria.json`,
      WRIT_CHANGED_FILES: `${folder}/changed-files`,
    },
  };
}

/** Those that are there: one that was removed is nothing to look into. */
async function changedFiles(
  { artifacts }: EvaluateWork,
  { root, changes }: Pick<Snapshot, 'root' | 'changes'>,
): Promise<string[]> {
  if (changes === undefined) return artifacts.map(({ path }) => path);
  const places = await Promise.all(changes.map(({ path }) => lookAt(root, path)));
  return places.filter(({ kind }) => kind !== 'missing').map(({ path }) => path);
}

/** One that would not be one line, or look like such a one, stands as a JSON string. */
const asLine = (path: string) => (/[\0-\x1f]|^"/.test(path) ? JSON.stringify(path) : path);
