/** Folders of ours that no program may look into, also where its workspace holds them. */
import { relative, sep } from 'node:path';
import { isInside } from './find-program';

/** Paths within a workspace at which folders of ours lie, as `.writ` does by default; none in another. */
export function ownFoldersIn(root: string, hidden: readonly string[]): string[] {
  const inside = new Set(hidden.filter((folder) => folder !== root && isInside(root, folder)));
  const outermost = [...inside].filter(
    (folder) => ![...inside].some((other) => other !== folder && isInside(other, folder)),
  );
  return outermost.map((folder) => relative(root, folder).split(sep).join('/'));
}
