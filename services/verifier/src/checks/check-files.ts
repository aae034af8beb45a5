/** The check `files`: each path or glob must name a regular file. */
import { compileGlob } from '@writ/contracts';
import type { CheckOf } from '@writ/contracts';
import { absenceOf, findFiles, type Place } from './find-files';
import { CheckTrouble, type CheckContext, type Verdict } from './verdict';

type FilesCheck = CheckOf<'files'>;

const MAX_LINES = 1000;

export async function checkFiles(check: FilesCheck, { root }: CheckContext): Promise<Verdict> {
  const lines: string[] = [];
  const problems: string[] = [];
  let files = 0;
  for (const pattern of check.paths) {
    const places = await find(root, pattern);
    const problem = problemOf(pattern, places, check.nonEmpty);
    if (problem) problems.push(problem);
    const found = places.filter((place) => place.kind === 'file');
    files += found.length;
    lines.push(`${pattern}: ${problem ? `NO, ${problem}` : 'yes'}`);
    lines.push(...found.map(({ path, bytes }) => `  ${path} (${bytes} bytes)`));
  }
  if (lines.length > MAX_LINES) {
    lines.splice(MAX_LINES, lines.length, `and ${lines.length - MAX_LINES} lines more`);
  }
  const log = `${lines.join('\n')}\n`;
  if (problems.length > 0) return { outcome: 'failed', message: problems.join(', '), log };
  return {
    outcome: 'passed',
    message: files === 1 ? '1 file' : `${files} files`,
    log,
  };
}

/**
 * A glob asks "was something made", so files without content do not answer it unless `nonEmpty` is
 * false; a plain path asks for that file, empty or not, unless `nonEmpty` is true.
 */
function problemOf(
  pattern: string,
  places: readonly Place[],
  nonEmpty: boolean | undefined,
): string | undefined {
  const literal = compileGlob(pattern).literal !== null;
  const outside = places.find((place) => place.kind === 'outside');
  if (outside) return `${outside.path} ${absenceOf(outside)}`;
  const files = places.filter((place) => place.kind === 'file');
  if (files.length === 0) {
    const other = places[0];
    if (literal) return `${pattern} ${absenceOf(other ?? { kind: 'missing', path: pattern })}`;
    return `no file matches ${pattern}`;
  }
  if (!(nonEmpty ?? !literal) || files.some((file) => file.bytes > 0)) return undefined;
  return literal ? `${pattern} is empty` : `only empty files match ${pattern}`;
}

async function find(root: string, pattern: string): Promise<Place[]> {
  try {
    return await findFiles(root, pattern);
  } catch (error) {
    if (error instanceof RangeError) throw new CheckTrouble(error.message);
    throw error;
  }
}
