/**
 * The health of what a step has changed, from facts: each has so many points, and the score is what
 * was reached of those that apply, from 0 to 100. docs/APPROVALS.md has the same table for people.
 */
import type { CheckResult, HealthPoint, RepositoryHealth } from '@writ/contracts';
import type { ChangedFile } from './text-diff';

export interface HealthFacts {
  readonly checks: readonly Pick<CheckResult, 'outcome'>[];
  readonly files: readonly (ChangedFile & { readonly bytes?: number })[];
}

const LARGE_BYTES = 1024 * 1024;
const SMALL_DIFF_LINES = 200;
const HUGE_DIFF_LINES = 2_000;
/** Written so that this file has none of them itself. */
const MARKS =
  /\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b|\bconsole\.(log|debug)\(|\bdebugger\b|\bbreakpoint\(\)/;
const TEST = /(^|\/)(tests?|__tests__|spec)\/|[._-](test|spec)\.[^/]+$|(^|\/)test_[^/]+\.py$/i;
const CODE = /\.(c|cc|cpp|cs|ex|go|java|js|jsx|kt|mjs|php|py|rb|rs|scala|sh|sql|swift|ts|tsx)$/i;

/** By name of a lock file: the manifests that it follows from. */
const MANIFESTS: Readonly<Record<string, readonly string[]>> = {
  'package-lock.json': ['package.json'],
  'npm-shrinkwrap.json': ['package.json'],
  'yarn.lock': ['package.json'],
  'pnpm-lock.yaml': ['package.json'],
  'Cargo.lock': ['Cargo.toml'],
  'go.sum': ['go.mod'],
  'poetry.lock': ['pyproject.toml'],
  'uv.lock': ['pyproject.toml'],
  'Pipfile.lock': ['Pipfile'],
  'composer.lock': ['composer.json'],
  'Gemfile.lock': ['Gemfile'],
};

export function repositoryHealth(facts: HealthFacts): RepositoryHealth {
  const rules = [checksPassed, diffSize, testsTouched, marksAdded, largeFiles, binaries, lockFiles];
  const points = rules.flatMap((rule) => rule(facts) ?? []);
  const of = points.reduce((sum, it) => sum + it.of, 0);
  const reached = points.reduce((sum, it) => sum + it.points, 0);
  return { score: of === 0 ? 100 : Math.round((reached / of) * 100), points };
}

type Rule = (facts: HealthFacts) => HealthPoint | undefined;

const checksPassed: Rule = ({ checks }) => {
  if (checks.length === 0) return undefined;
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length;
  const said = `${passed} of ${checks.length} passed`;
  return { name: 'checks', points: Math.round((40 * passed) / checks.length), of: 40, said };
};

/** Full up to a few hundred lines, none from a few thousand on. */
const diffSize: Rule = ({ files }) => {
  const lines = files.reduce((sum, { added, removed }) => sum + added.length + removed, 0);
  const over = Math.max(0, lines - SMALL_DIFF_LINES) / (HUGE_DIFF_LINES - SMALL_DIFF_LINES);
  const points = Math.round(15 * Math.max(0, 1 - over));
  return { name: 'size', points, of: 15, said: `${count(lines, 'line')} changed` };
};

/** Asks for tests only where code was changed. */
const testsTouched: Rule = ({ files }) => {
  const code = files.filter(({ path }) => CODE.test(path) && !TEST.test(path));
  if (code.length === 0) return undefined;
  const tests = files.filter(({ path }) => TEST.test(path)).length;
  const said = `${count(code.length, 'file')} of code changed, ${count(tests, 'test file')}`;
  return { name: 'tests', points: tests > 0 ? 15 : 0, of: 15, said };
};

const marksAdded: Rule = ({ files }) => {
  const marked = files.flatMap(({ path, added }) => (added.some(isMarked) ? [path] : []));
  const marks = files.reduce((sum, { added }) => sum + added.filter(isMarked).length, 0);
  const said = marks === 0 ? 'none added' : `${marks} added in ${listed(marked)}`;
  return { name: 'to-do and debug marks', points: Math.max(0, 10 - 5 * marks), of: 10, said };
};

const isMarked = (line: string) => MARKS.test(line);

const largeFiles: Rule = ({ files }) =>
  none(
    'large files',
    files.filter(({ bytes = 0 }) => bytes > LARGE_BYTES),
  );

const binaries: Rule = ({ files }) =>
  none(
    'new binary files',
    files.filter(({ isBinary, isNew }) => isBinary && isNew),
  );

const lockFiles: Rule = ({ files }) => {
  const changed = new Set(files.map(({ path }) => path));
  const alone = files.filter(({ path }) => {
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const manifests = MANIFESTS[path.slice(folder.length)];
    return manifests !== undefined && !manifests.some((name) => changed.has(`${folder}${name}`));
  });
  return none('lock files without their manifest', alone);
};

function none(name: string, found: readonly { readonly path: string }[]): HealthPoint {
  const said = found.length === 0 ? 'none' : listed(found.map(({ path }) => path));
  return { name, points: found.length === 0 ? 10 : 0, of: 10, said };
}

const count = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`;

function listed(paths: readonly string[]): string {
  const more = paths.length > 5 ? ` and ${paths.length - 5} more` : '';
  return paths.slice(0, 5).join(', ') + more;
}
