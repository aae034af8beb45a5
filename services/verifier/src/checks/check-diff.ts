/** The check `diff`: how much a step has changed, and where. What it changed comes with the snapshot. */
import { compileGlob, type CheckOf } from '@writ/contracts';
import type { FileChange } from '../snapshots/snapshot';
import { CheckTrouble, type CheckContext, type Verdict } from './verdict';

const SHOWN = 5;
const MAX_LINES = 1000;

export async function checkDiff(
  check: CheckOf<'diff'>,
  { changes }: Pick<CheckContext, 'changes'>,
): Promise<Verdict> {
  if (changes === undefined) {
    throw new CheckTrouble('there is no commit to compare with: it takes a git workspace');
  }
  const lines = changes.reduce((sum, { added, removed }) => sum + added + removed, 0);
  const problems = [...sizes(check, changes.length, lines), ...places(check, changes)];
  const shown = changes.map(({ path, added, removed }) => `+${added} -${removed} ${path}`);
  const more = shown.length > MAX_LINES ? [`and ${shown.length - MAX_LINES} files more`] : [];
  return {
    outcome: problems.length === 0 ? 'passed' : 'failed',
    message:
      problems.join('; ') ||
      `${counted(changes.length, 'file')}, ${counted(lines, 'line')} changed`,
    log: `${[...problems, ...shown.slice(0, MAX_LINES), ...more].join('\n')}\n`,
  };
}

function sizes({ maxFiles, maxLines }: CheckOf<'diff'>, files: number, lines: number): string[] {
  return [
    ...(files > (maxFiles ?? Infinity) ? [`${files} files changed, ${maxFiles} at most`] : []),
    ...(lines > (maxLines ?? Infinity) ? [`${lines} lines changed, ${maxLines} at most`] : []),
  ];
}

function places(
  { forbiddenPaths = [], allowedPaths }: CheckOf<'diff'>,
  changes: readonly FileChange[],
): string[] {
  const forbidden = matching(changes, forbiddenPaths);
  const allowed = new Set(matching(changes, allowedPaths ?? ['**']));
  const outside = changes.map(({ path }) => path).filter((path) => !allowed.has(path));
  return [
    ...(forbidden.length === 0 ? [] : [`changed, and must not be: ${some(forbidden)}`]),
    ...(outside.length === 0 ? [] : [`changed outside of what is allowed: ${some(outside)}`]),
  ];
}

function matching(changes: readonly FileChange[], patterns: readonly string[]): string[] {
  const globs = patterns.map(compileGlob);
  const paths = changes.map(({ path }) => path);
  // A folder by its name is everything in it.
  return paths.filter((path) =>
    globs.some(
      (glob) => glob.matches(path) || (glob.literal && path.startsWith(`${glob.literal}/`)),
    ),
  );
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

const some = (paths: readonly string[]) =>
  paths.slice(0, SHOWN).join(', ') +
  (paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : '');
