/**
 * The difference of two texts as a unified diff, and unified diffs read back. Owns that it costs a
 * bounded time: of texts that differ too much the whole is shown as taken away and put in.
 */

export interface DiffLine {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

const CONTEXT = 3;
/** Of edits; the time goes with the square of it. */
const MOST_EDITS = 1_000;

/** Empty when they are the same. */
export function unifiedDiff(path: string, before: string | null, after: string | null): string {
  const lines = diffLines(linesOf(before), linesOf(after));
  if (lines.every(({ sign }) => sign === ' ')) return '';
  const from = before === null ? '/dev/null' : `a/${path}`;
  const to = after === null ? '/dev/null' : `b/${path}`;
  return [`--- ${from}`, `+++ ${to}`, ...hunksOf(lines), ''].join('\n');
}

/** A last line without an end is told from one with it. */
function linesOf(text: string | null): string[] {
  if (text === null || text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') return lines.slice(0, -1);
  return [...lines.slice(0, -1), `${lines.at(-1)}\n\\ No newline at end of file`];
}

/** After Myers: the shortest way from one to the other. */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const same = (text: string): DiffLine => ({ sign: ' ', text });
  return [
    ...before.slice(0, start).map(same),
    ...middle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  const trace = shortestWay(a, b);
  if (trace === undefined) {
    return [
      ...a.map((text) => ({ sign: '-' as const, text })),
      ...b.map((text) => ({ sign: '+' as const, text })),
    ];
  }
  const lines: DiffLine[] = [];
  let [x, y] = [a.length, b.length];
  for (let d = trace.length - 1; d >= 0; d -= 1) {
    const reached = trace[d] as Map<number, number>;
    const k = x - y;
    const down = k === -d || (k !== d && at(reached, k - 1) < at(reached, k + 1));
    const fromX = d === 0 ? 0 : at(reached, down ? k + 1 : k - 1);
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1);
    while (x > fromX && y > fromY && (d === 0 || x - 1 >= (down ? fromX : fromX + 1))) {
      if (a[x - 1] !== b[y - 1]) break;
      lines.push({ sign: ' ', text: a[x - 1] ?? '' });
      x -= 1;
      y -= 1;
    }
    if (d === 0) break;
    if (down) lines.push({ sign: '+', text: b[fromY] ?? '' });
    else lines.push({ sign: '-', text: a[fromX] ?? '' });
    [x, y] = [fromX, fromY];
  }
  return lines.reverse();
}

const at = (reached: ReadonlyMap<number, number>, k: number): number => reached.get(k) ?? -1;

/** How far each diagonal reaches before the d-th edit; undefined when there are too many. */
function shortestWay(
  a: readonly string[],
  b: readonly string[],
): Map<number, number>[] | undefined {
  const reached = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let d = 0; d <= Math.min(a.length + b.length, MOST_EDITS); d += 1) {
    trace.push(new Map(reached));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && at(reached, k - 1) < at(reached, k + 1));
      let x = down ? at(reached, k + 1) : at(reached, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reached.set(k, x);
      if (x >= a.length && x - k >= b.length) return trace;
    }
  }
  return undefined;
}

function hunksOf(lines: readonly DiffLine[]): string[] {
  const said: string[] = [];
  let [before, after] = [1, 1];
  let at = 0;
  while (at < lines.length) {
    if (!lines.slice(at, at + CONTEXT + 1).some(({ sign }) => sign !== ' ')) {
      [before, after, at] = [before + 1, after + 1, at + 1];
      continue;
    }
    let end = at;
    for (let quiet = 0; end < lines.length && quiet <= CONTEXT * 2; end += 1) {
      quiet = lines[end]?.sign === ' ' ? quiet + 1 : 0;
    }
    const tail = lines.slice(at, end);
    let quiet = 0;
    while (tail.at(-1 - quiet)?.sign === ' ') quiet += 1;
    const hunk = tail.slice(0, tail.length - Math.max(0, quiet - CONTEXT));
    const old = hunk.filter(({ sign }) => sign !== '+').length;
    const now = hunk.filter(({ sign }) => sign !== '-').length;
    said.push(`@@ -${placeOf(before, old)} +${placeOf(after, now)} @@`);
    said.push(...hunk.map(({ sign, text }) => `${sign}${text}`));
    [before, after, at] = [before + old, after + now, at + hunk.length];
  }
  return said;
}

/** Of nothing, the line before it. */
const placeOf = (line: number, count: number) => `${count === 0 ? line - 1 : line},${count}`;

export interface ChangedFile {
  readonly path: string;
  readonly isNew: boolean;
  readonly isBinary: boolean;
  readonly added: readonly string[];
  readonly removed: number;
}

/** The files of a unified diff, as git and `unifiedDiff` write it. */
export function filesOfDiff(diff: string): ChangedFile[] {
  const files: ReturnType<typeof changed>[] = [];
  let left = { old: 0, now: 0 };
  for (const line of diff.split('\n')) {
    const file = files.at(-1);
    if (left.old > 0 || left.now > 0) {
      if (line.startsWith('\\')) continue;
      if (!line.startsWith('+')) left.old -= 1;
      if (!line.startsWith('-')) left.now -= 1;
      if (file === undefined) continue;
      if (line.startsWith('+')) file.added.push(line.slice(1));
      if (line.startsWith('-')) file.removed += 1;
      continue;
    }
    const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (hunk !== null) left = { old: Number(hunk[1] ?? 1), now: Number(hunk[2] ?? 1) };
    const begin = /^diff --git (?:"?a\/.*?"?) (?:"?b\/(.*?)"?)$/.exec(line);
    if (begin !== null) files.push(changed(begin[1] ?? ''));
    else if (line.startsWith('--- ') && (file === undefined || hasBegun(file))) {
      files.push({ ...changed(''), isNew: line === '--- /dev/null' });
    } else if (file !== undefined && line.startsWith('+++ b/')) file.path = line.slice(6);
    else if (file !== undefined && line.startsWith('new file mode')) file.isNew = true;
    else if (file !== undefined && /^(Binary files |GIT binary patch)/.test(line)) {
      file.isBinary = true;
    }
  }
  return files;
}

const hasBegun = ({ added, removed }: ChangedFile) => added.length > 0 || removed > 0;

const changed = (path: string) => {
  return { path, isNew: false, isBinary: false, added: [] as string[], removed: 0 };
};
