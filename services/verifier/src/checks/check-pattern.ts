/**
 * The check `pattern`: a regular expression is found in at least one file, or in none (`absent`).
 * RE2 takes time by the length of the text, whatever the expression; files are bounded besides.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { CheckOf } from '@writ/contracts';
import { RE2JS, RE2JSException } from 're2js';
import { findFiles, readFileOf } from './find-files';
import { CheckTrouble, type CheckContext, type Verdict } from './verdict';
import { within } from './within';

type PatternCheck = CheckOf<'pattern'>;

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_BYTES = 32 * MAX_FILE_BYTES;
const MAX_LINES = 1000;
/** For one file. A short expression can stand for a large one: `(a|b){0,900}`. */
const TIME_LIMIT_MS = 2_000;

const FLAGS = { i: RE2JS.CASE_INSENSITIVE, m: RE2JS.MULTILINE, s: RE2JS.DOTALL } as const;

interface Search {
  readonly lines: string[];
  files: number;
  first?: string;
  /** Files that were not looked at, and so show nothing. */
  readonly unread: string[];
}

export async function checkPattern(check: PatternCheck, context: CheckContext): Promise<Verdict> {
  const search = await find(check, context);
  const { files, first, unread, lines } = search;
  const log = `${lines.slice(0, MAX_LINES).join('\n')}\n`;
  const verdict = (outcome: Verdict['outcome'], message: string) => ({ outcome, message, log });
  if (first !== undefined) {
    return verdict(check.absent ? 'failed' : 'passed', `${check.pattern} matches in ${first}`);
  }
  if (unread.length > 0) return verdict('error', `not looked at: ${unread.slice(0, 5).join(', ')}`);
  const where = check.paths.join(', ');
  // Nothing that was looked at shows nothing: neither that it is there nor that it is not.
  if (files === 0)
    return verdict(check.absent ? 'error' : 'failed', `no text file matches ${where}`);
  const message = `${check.pattern} matches in none of ${files === 1 ? '1 file' : `${files} files`}`;
  return verdict(check.absent ? 'passed' : 'failed', message);
}

async function find(check: PatternCheck, { root, signal }: CheckContext): Promise<Search> {
  const expression = compile(check);
  const search: Search = { lines: [], files: 0, unread: [] };
  let bytes = 0;
  for (const path of await pathsOf(root, check.paths)) {
    signal.throwIfAborted();
    const content = await readFileOf(root, path, MAX_FILE_BYTES);
    const text = typeof content === 'string' ? content : textOf(content);
    bytes += typeof content === 'string' ? 0 : content.length;
    if (text === undefined) search.lines.push(`${path}: no text`);
    else if (typeof content === 'string') search.unread.push(text);
    else if (bytes > MAX_BYTES) search.unread.push(`${path}, beyond ${MAX_BYTES} bytes in all`);
    else {
      search.files += 1;
      const line = within(
        TIME_LIMIT_MS,
        () => lineOfMatch(expression, text),
        `looking through ${path}`,
      );
      search.lines.push(`${path}: ${line === undefined ? 'no match' : `line ${line}`}`);
      if (line !== undefined) search.first ??= `${path}, line ${line}`;
      await breathe();
    }
  }
  search.lines.push(...search.unread);
  return search;
}

function compile({ pattern, flags = '' }: PatternCheck): RE2JS {
  const wanted = [...flags].reduce((all, flag) => all | FLAGS[flag as keyof typeof FLAGS], 0);
  try {
    return RE2JS.compile(pattern, wanted);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new CheckTrouble(`the pattern cannot be used: ${error.message}`);
  }
}

async function pathsOf(root: string, patterns: readonly string[]): Promise<string[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    try {
      for (const place of await findFiles(root, pattern)) paths.add(place.path);
    } catch (error) {
      if (error instanceof RangeError) throw new CheckTrouble(error.message);
      throw error;
    }
  }
  return [...paths];
}

/** Undefined when it is none: it holds a NUL byte. */
const textOf = (bytes: Uint8Array) =>
  bytes.includes(0) ? undefined : Buffer.from(bytes).toString('utf8');

function lineOfMatch(expression: RE2JS, text: string): number | undefined {
  const matcher = expression.matcher(text);
  if (!matcher.find()) return undefined;
  return text.slice(0, matcher.start()).split('\n').length;
}
