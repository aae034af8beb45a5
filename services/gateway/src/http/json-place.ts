/**
 * Where a text stops being JSON. The engine's own messages name a place only sometimes; whoever
 * wrote a megabyte of it wants line and column. Reads no values.
 */
export interface JsonPlace {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

const TOKEN =
  /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.]))/y;

type Expectation = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'end';

/** The first place where `text`, which does not parse, goes wrong. */
export function jsonPlace(text: string): JsonPlace {
  const open: string[] = [];
  let expected: Expectation = 'value';
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    const next: Expectation | undefined = match === null ? undefined : step(match, expected, open);
    if (match === null || next === undefined) return place(text, at, expected);
    expected = next;
    at = TOKEN.lastIndex;
  }
}

/** What may follow the token; undefined when the token may not stand here. */
function step(
  match: RegExpExecArray,
  expected: Expectation,
  open: string[],
): Expectation | undefined {
  const [, sign, text, word] = match;
  const after = (): Expectation =>
    open.length === 0 ? 'end' : open.at(-1) === '[' ? ', or ]' : ', or }';
  const isValue = text !== undefined || word !== undefined;
  if (expected === 'value' || expected === 'value or ]') {
    if (isValue) return after();
    if (sign === '{') return (open.push('{'), 'key or }');
    if (sign === '[') return (open.push('['), 'value or ]');
  }
  if ((expected === 'key' || expected === 'key or }') && text !== undefined) return ':';
  if (expected === ':' && sign === ':') return 'value';
  if (sign === ',' && expected === ', or ]') return 'value';
  if (sign === ',' && expected === ', or }') return 'key';
  if ((sign === ']' || sign === '}') && expected.endsWith(sign)) return (open.pop(), after());
  return undefined;
}

function place(text: string, from: number, expected: Expectation): JsonPlace {
  const at = from + /^\s*/.exec(text.slice(from))![0].length;
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - (before.lastIndexOf('\n') + 1) + 1;
  const wanted = expected === 'end' ? 'the end' : expected.replace('key', 'a key in double quotes');
  const found = at >= text.length ? 'the end' : JSON.stringify(text.slice(at, at + 12));
  return { line, column, reason: `expected ${wanted}, found ${found}` };
}
