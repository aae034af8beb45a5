/**
 * A directive file as text: bounded, UTF-8, one YAML 1.2 or JSON document without duplicate keys.
 * Owns where in the text a JSON pointer points, so that every complaint can name line and column.
 */
import type { IssueCode } from '@writ/contracts';
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';

export const SIZE_LIMIT = 1024 * 1024;
/** So often may anchors be repeated in all: more is a bomb, not a directive. */
const ALIAS_LIMIT = 1_000;
const TOO_DEEP = 'it is nested too deeply';
/** One slip makes many errors. */
const ERRORS_TOLD = 10;

export interface TextIssue {
  readonly code: IssueCode;
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

export type ParsedText =
  | { readonly value: unknown; readonly locate: (pointer: string) => Place }
  | { readonly issues: readonly TextIssue[] };

export function parseText(bytes: Uint8Array): ParsedText {
  const problem = (code: IssueCode, message: string, place: Place = { line: 1, column: 1 }) => ({
    issues: [{ code, message, ...place }],
  });
  if (bytes.length > SIZE_LIMIT) {
    return problem('too_large', `it has ${bytes.length} bytes; at most ${SIZE_LIMIT} are read`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return problem('not_utf8', 'it is not UTF-8 text');
  }
  const control = /[\0-\x08\x0b\x0c\x0e-\x1f]/.exec(text);
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).padStart(4, '0');
    const message = `it holds a control character (U+${code}); write it as an escape in quotes`;
    return problem('control_character', message, placeIn(text, control.index));
  }
  try {
    return read(text);
  } catch (error) {
    // The parser goes down one level of the stack for each level of nesting.
    if (error instanceof RangeError) return problem('too_deep', TOO_DEEP);
    throw error;
  }
}

function read(text: string): ParsedText {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    merge: false,
    prettyErrors: false,
    stringKeys: true,
    lineCounter: lines,
  });
  const [document, second] = Array.isArray(documents) ? documents : [];
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  if (document === undefined) {
    return { issues: [{ code: 'empty', message: 'it is empty', line: 1, column: 1 }] };
  }
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) {
    const issues = errors.slice(0, ERRORS_TOLD).map(({ code, message, pos }) => {
      return { ...explained(code, message, text, pos[0]), ...place(pos[0]) };
    });
    return { issues };
  }
  if (second !== undefined) {
    const message = 'a second document begins here; a directive file holds one';
    return { issues: [{ code: 'yaml', message, ...place(second.range?.[0] ?? 0) }] };
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIAS_LIMIT });
    return { value, locate: (pointer) => place(offsetOf(document, pointer)) };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    const isBomb = /alias count/i.test(error.message);
    const repeated = `its anchors are repeated more than ${ALIAS_LIMIT} times`;
    const message = isBomb ? repeated : error.message;
    return { issues: [{ code: 'yaml', message, ...place(aliasOffset(document, isBomb)) }] };
  }
}

/** The parser gives up on its stack somewhere in the depth, and reports that like a slip. */
function explained(
  code: string,
  message: string,
  text: string,
  offset: number,
): { code: IssueCode; message: string } {
  if (code === 'DUPLICATE_KEY') {
    return { code: 'duplicate_key', message: `${keyAt(text, offset)} stands twice here` };
  }
  if (/call stack/i.test(message)) return { code: 'too_deep', message: TOO_DEEP };
  return { code: 'yaml', message };
}

/** Of the first alias, or the first one of what is no anchor. */
function aliasOffset(document: Document.Parsed, any: boolean): number {
  let offset = 0;
  visit(document, {
    Alias: (_, alias) => {
      if (!any && alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function keyAt(text: string, offset: number): string {
  const key = /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:,{}[\]]+)/.exec(text.slice(offset, offset + 200))?.[0];
  return key === undefined
    ? 'a key'
    : `the key ${JSON.stringify(key.replace(/^(["'])(.*)\1$/, '$2'))}`;
}

function placeIn(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** Of the key for a member of a map, of the item in a list; of the nearest there is otherwise. */
function offsetOf(document: Document.Parsed, pointer: string): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  const parts = pointer.split('/').slice(1);
  for (const part of parts.map((it) => it.replace(/~1/g, '/').replace(/~0/g, '~'))) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (!isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (!isPair(pair)) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      node = (node.items[Number(part)] as Node | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
    }
  }
  return offset;
}
