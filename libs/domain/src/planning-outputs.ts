/**
 * Outputs of steps that may run at the same time and meet at one place. Owns when two patterns may
 * mean one path; it may say so of two that never do, and never misses two that may.
 */
import type { DirectiveFile, PlannedStep } from '@writ/contracts';
import type { IssueList } from './issue-list';

/** Pairs of patterns that are compared, and pairs of steps that are told. */
const COMPARED = 200_000;
const TOLD = 20;

/** In a git workspace each step has a worktree of its own, and merging says what does not fit. */
export function checkOutputs(
  workspace: DirectiveFile['workspace'],
  steps: readonly PlannedStep[],
  issues: IssueList,
  pathOf: (index: number) => string,
): void {
  if (workspace.kind === 'git') return;
  const places = steps.flatMap((step, at) => placesOf(step).map((path) => ({ at, path })));
  const apart = whatRunsApart(steps);
  const together = workspace.kind === 'directory' ? () => true : whatIsUsedTogether(steps);
  let compared = 0;
  const told = new Set<string>();
  for (const [index, one] of places.entries()) {
    for (const other of places.slice(index + 1)) {
      if (one.at === other.at) continue;
      compared += 1;
      if (compared > COMPARED || told.size >= TOLD) return;
      const pair = `${one.at} ${other.at}`;
      if (told.has(pair) || !globsMayMeet(one.path, other.path)) continue;
      if (!apart(one.at, other.at) || !together(one.at, other.at)) continue;
      told.add(pair);
      const names = `"${steps[one.at]?.name}" and "${steps[other.at]?.name}"`;
      const what = one.path === other.path ? one.path : `${one.path} and ${other.path}`;
      const message = `${names} may run at the same time and overwrite one another's ${what}; let one depend on the other, or give the files other names`;
      issues.add('outputs_overlap', `${pathOf(other.at)}/outputs`, () => message);
    }
  }
}

function placesOf({ outputs, adapter }: PlannedStep): string[] {
  const stdoutTo = 'stdoutTo' in adapter ? adapter.stdoutTo : undefined;
  const all = stdoutTo === undefined ? outputs : [...outputs, stdoutTo];
  return [...new Set(all.map((path) => namesOf(path).join('/')))];
}

/** Whether neither of two steps waits for the other, directly or not. */
function whatRunsApart(steps: readonly PlannedStep[]): (one: number, other: number) => boolean {
  const index = new Map(steps.map(({ name }, at) => [name, at]));
  const words = Math.ceil(steps.length / 32);
  const above = new Map<number, Uint32Array>();
  const aboveOf = (at: number): Uint32Array => {
    // Without recursion: a chain of thousands must not exhaust the stack.
    const pending = [at];
    for (let next = pending.at(-1); next !== undefined; next = pending.at(-1)) {
      const direct = (steps[next]?.dependsOn ?? []).flatMap((name) => index.get(name) ?? []);
      const missing = above.has(next) ? [] : direct.filter((it) => !above.has(it));
      if (missing.length > 0) {
        pending.push(...missing);
        continue;
      }
      pending.pop();
      if (above.has(next)) continue;
      const bits = new Uint32Array(words);
      for (const it of direct) {
        above.get(it)?.forEach((word, place) => (bits[place] = (bits[place] ?? 0) | word));
        bits[it >>> 5] = (bits[it >>> 5] ?? 0) | (1 << (it & 31));
      }
      above.set(next, bits);
    }
    return above.get(at) ?? new Uint32Array(words);
  };
  const waitsFor = (one: number, other: number) =>
    ((aboveOf(one)[other >>> 5] ?? 0) & (1 << (other & 31))) !== 0;
  return (one, other) => !waitsFor(one, other) && !waitsFor(other, one);
}

/** Without a workspace files meet only where a later step is given both. */
function whatIsUsedTogether(
  steps: readonly PlannedStep[],
): (one: number, other: number) => boolean {
  const users = new Map<string, Set<string>>();
  for (const { name, dependsOn } of steps) {
    for (const it of dependsOn) users.set(it, (users.get(it) ?? new Set()).add(name));
  }
  const usersOf = (at: number) => users.get(steps[at]?.name ?? '') ?? new Set<string>();
  return (one, other) => [...usersOf(one)].some((user) => usersOf(other).has(user));
}

const namesOf = (path: string) => path.split('/').filter((name) => name !== '' && name !== '.');

/** Whether there may be a path that fits both. */
export function globsMayMeet(one: string, other: string): boolean {
  const [left, right] = [segmentsOf(one), segmentsOf(other)];
  return sequencesMeet(left, right, '**', (a, b) =>
    sequencesMeet([...a], [...b], '*', (x, y) => x === y || x === '?' || y === '?'),
  );
}

/** Each name with its sets as `?` and its alternatives as `*`: wider than it is, and simple. */
function segmentsOf(pattern: string): string[] {
  if (/\{[^}]*\//.test(pattern)) return [...namesOf(pattern.slice(0, pattern.indexOf('{'))), '**'];
  return namesOf(pattern).map((name) => {
    if (name === '**') return name;
    return name.replace(/\{.*\}/g, '*').replace(/\[[^\]]+\]/g, '?');
  });
}

/** Two sequences in which a star stands for any number of items. */
function sequencesMeet<T>(
  one: readonly T[],
  other: readonly T[],
  star: T,
  fits: (a: T, b: T) => boolean,
): boolean {
  // `row[j]`: the rest of `one` from the current item meets the rest of `other` from j.
  let row: boolean[] = [];
  for (let i = one.length; i >= 0; i -= 1) {
    const next = row;
    row = [];
    for (let j = other.length; j >= 0; j -= 1) {
      const [a, b] = [one[i], other[j]];
      if (a === undefined && b === undefined) row[j] = true;
      else if (a === star) row[j] = next[j] === true || (b !== undefined && row[j + 1] === true);
      else if (b === star) row[j] = row[j + 1] === true || (a !== undefined && next[j] === true);
      else row[j] = a !== undefined && b !== undefined && next[j + 1] === true && fits(a, b);
    }
  }
  return row[0] === true;
}
