/**
 * Globs over paths with `/`: `*` and `?` within a name, `[a-z]` and `[!a-z]`, `{a,b}`, and `**` for
 * any number of folders. Hidden files are files like others. Matching takes time in proportion to
 * pattern times path, however many stars there are: patterns come from plans, and a plan may come
 * from a model.
 */

export interface Glob {
  readonly pattern: string;
  /** The path itself, when the pattern holds no wildcard. */
  readonly literal: string | null;
  /** The folders that stand before the first wildcard: nothing outside can match. */
  readonly base: string;
  matches(path: string): boolean;
}

/** Alternatives that one pattern may expand to. */
export const MAX_ALTERNATIVES = 256;

/** How many patterns one with `{}` stands for, without making them. */
export function alternativesIn(pattern: string): number {
  // Of each brace that is open: the alternatives before its last comma, and those after it.
  const open = [{ sum: 0, product: 1 }];
  const close = (braces: { sum: number; product: number }) => {
    const around = open.at(-1);
    if (around !== undefined) around.product *= braces.sum + braces.product;
  };
  for (const character of pattern) {
    const inner = open.at(-1)!;
    if (character === '{') open.push({ sum: 0, product: 1 });
    else if (open.length > 1 && character === ',') {
      inner.sum += inner.product;
      inner.product = 1;
    } else if (open.length > 1 && character === '}') close(open.pop()!);
  }
  while (open.length > 1) close(open.pop()!);
  return open[0]!.product;
}

/** Throws RangeError when `{}` expands to too many patterns. */
export function compileGlob(pattern: string): Glob {
  const clean = segmentsOf(pattern).join('/');
  if (!/[*?[{]/.test(clean)) {
    const base = clean.split('/').slice(0, -1).join('/');
    return { pattern, literal: clean, base, matches: (path) => path === clean };
  }
  const alternatives = expand(clean).map((it) => segmentsOf(it).map(compileSegment));
  const fixed = clean.split('/').findIndex((name) => /[*?[{]/.test(name));
  return {
    pattern,
    literal: null,
    base: clean.split('/').slice(0, fixed).join('/'),
    matches: (path) => {
      const names = path.split('/');
      return alternatives.some((segments) => matchPath(segments, names));
    },
  };
}

const segmentsOf = (path: string) => path.split('/').filter((name) => name !== '' && name !== '.');

/** `a{b,c}d` to `abd` and `acd`, nested ones too. */
function expand(pattern: string): string[] {
  const done: string[] = [];
  const todo = [pattern];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const close = next.indexOf('}');
    const open = close < 0 ? -1 : next.lastIndexOf('{', close);
    if (open < 0) done.push(next);
    else {
      const [before, after] = [next.slice(0, open), next.slice(close + 1)];
      for (const part of next.slice(open + 1, close).split(',')) todo.push(before + part + after);
    }
    if (done.length + todo.length > MAX_ALTERNATIVES) {
      throw new RangeError(`${pattern} stands for more than ${MAX_ALTERNATIVES} patterns`);
    }
  }
  return done;
}

type Token = '*' | ((character: string) => boolean);
/** `**`, or the tokens of one name. */
type Segment = '**' | Token[];

function compileSegment(name: string): Segment {
  if (name === '**') return name;
  const tokens: Token[] = [];
  const characters = [...name];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    const close = character === '[' ? characters.indexOf(']', at + 2) : -1;
    if (character === '*') tokens.push('*');
    else if (character === '?') tokens.push(() => true);
    else if (close > 0) {
      tokens.push(compileSet(characters.slice(at + 1, close)));
      at = close;
    } else tokens.push((it) => it === character);
  }
  return tokens;
}

function compileSet(characters: readonly string[]): (character: string) => boolean {
  const negated = characters[0] === '!' || characters[0] === '^';
  const members = negated ? characters.slice(1) : characters;
  const ranges: [string, string][] = [];
  for (let at = 0; at < members.length; at += 1) {
    const from = members[at] ?? '';
    const to = members[at + 1] === '-' ? members[at + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return (it) => ranges.some(([from, to]) => from <= it && it <= to) !== negated;
}

function matchPath(segments: readonly Segment[], names: readonly string[]): boolean {
  return matchStars(segments, names, '**', (segment, name) => matchName(segment as Token[], name));
}

function matchName(tokens: readonly Token[], name: string): boolean {
  return matchStars(tokens, [...name], '*', (token, character) =>
    (token as (it: string) => boolean)(character),
  );
}

/** A star takes any number of items; on a mismatch only the last star takes one more. */
function matchStars<P, I>(
  pattern: readonly P[],
  items: readonly I[],
  star: P,
  fits: (part: P, item: I) => boolean,
): boolean {
  let [part, item, retryPart, retryItem] = [0, 0, -1, 0];
  while (item < items.length) {
    const current = pattern[part];
    if (part < pattern.length && current === star) {
      [retryPart, retryItem] = [part, item];
      part += 1;
    } else if (part < pattern.length && fits(current as P, items[item] as I)) {
      part += 1;
      item += 1;
    } else if (retryPart >= 0) {
      retryItem += 1;
      [part, item] = [retryPart + 1, retryItem];
    } else return false;
  }
  return pattern.slice(part).every((rest) => rest === star);
}
