/** Which checks the files of a repository ask for. Pure; the table is in `rows.ts`. */
import { detectedWhats, type DetectedWhat } from '@writ/contracts';
import type { Detected, Look } from './detected';
import type { RepositoryFiles } from './repository-files';
import { atLast, gaps, languages } from './rows';

/** In the order in which they run: what does not build need not be tested. */
export function detectChecks(files: RepositoryFiles, only?: readonly DetectedWhat[]): Detected[] {
  const look = lookAt(files);
  const found = languages.flatMap((row) => row.detect(look));
  for (const { detect } of gaps) {
    const asked = new Set(found.map(({ what }) => what));
    found.push(...detect(look).filter(({ what }) => !asked.has(what)));
  }
  if (found.length === 0) found.push(...atLast.flatMap((row) => row.detect(look)));
  return detectedWhats.flatMap((what) =>
    only?.includes(what) === false ? [] : found.filter((it) => it.what === what),
  );
}

function lookAt({ names, texts }: RepositoryFiles): Look {
  return {
    first: (...wanted) => wanted.find((name) => names.has(name)),
    text: (name) => texts.get(name) ?? '',
    matching: (pattern) => [...names].filter((name) => pattern.test(name)).sort(),
  };
}
