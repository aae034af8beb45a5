/**
 * Canonical JSON (RFC 8785): the one text of a value, so that equal values have equal bytes
 * and equal digests. Owns what may be written at all; it does not hash.
 *
 * Strings are written as JavaScript writes them: NUL and other control characters as escapes, and
 * a lone surrogate as its `\udXXX` escape (RFC 8785 leaves it open; an escape keeps the text valid
 * UTF-8, so neither PostgreSQL nor a digest stumbles over it).
 */

/** Deeper values are refused: they would exhaust the stack of whoever reads them. */
export const MAX_DEPTH = 200;

/** A value that has no canonical text. `path` is a JSON pointer to the place. */
export class NotCanonicalError extends Error {
  constructor(
    readonly path: string,
    readonly reason: string,
  ) {
    super(`${path === '' ? 'the value' : path} ${reason}`);
    this.name = 'NotCanonicalError';
  }
}

/** A value with its canonical text. */
export interface Canonical {
  /** As reading the text would give it, so nothing of it is shared with the given value. */
  readonly value: unknown;
  readonly text: string;
}

/**
 * Writes a JSON value as RFC 8785 text. Members that are `undefined` are left out.
 * Throws NotCanonicalError for what JSON cannot say (NaN, infinities, bigint, functions, cycles).
 */
export function canonicalJson(value: unknown): string {
  const ordered = inOrder(value, 0);
  return ordered === UNUSUAL ? write(value, 0, []) : JSON.stringify(ordered);
}

/** The text of `canonicalJson`, and the value that it stands for without reading it again. */
export function canonical(value: unknown): Canonical {
  const ordered = inOrder(value, 0);
  if (ordered !== UNUSUAL) return { value: ordered, text: JSON.stringify(ordered) };
  const text = write(value, 0, []);
  return { value: JSON.parse(text) as unknown, text };
}

/** What `inOrder` leaves to `write`, which is slower and knows what to refuse and where it stands. */
const UNUSUAL = Symbol('unusual');
const DIGIT_0 = 48;
const DIGIT_9 = 57;

/**
 * A copy with the members of every object in canonical order, so that JSON.stringify, which is
 * native, writes its canonical text. Nearly every value is of this kind; UNUSUAL are those that are
 * refused, and those that no object keeps in order: keys that are numbers come first in any object.
 */
function inOrder(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : UNUSUAL;
    case 'object':
      break;
    default:
      return UNUSUAL;
  }
  if (value === null) return null;
  if (depth >= MAX_DEPTH) return UNUSUAL;
  if (Array.isArray(value)) return elementsInOrder(value, depth + 1);
  if (Object.getPrototypeOf(value) !== Object.prototype) return UNUSUAL;
  return membersInOrder(value as Record<string, unknown>, depth + 1);
}

function elementsInOrder(elements: readonly unknown[], depth: number): unknown {
  const copy: unknown[] = [];
  for (let index = 0; index < elements.length; index += 1) {
    const ordered = inOrder(elements[index], depth);
    if (ordered === UNUSUAL) return UNUSUAL;
    copy.push(ordered);
  }
  return copy;
}

function membersInOrder(members: Readonly<Record<string, unknown>>, depth: number): unknown {
  const keys = Object.keys(members);
  if (!isSorted(keys)) keys.sort();
  const copy: Record<string, unknown> = {};
  for (const key of keys) {
    const first = key.charCodeAt(0);
    if ((first >= DIGIT_0 && first <= DIGIT_9) || key === '__proto__') return UNUSUAL;
    const member = members[key];
    if (member === undefined) continue;
    const ordered = inOrder(member, depth);
    if (ordered === UNUSUAL) return UNUSUAL;
    copy[key] = ordered;
  }
  return copy;
}

/** Strings compare by UTF-16 code units, here and in `sort`: the order that RFC 8785 asks for. */
function isSorted(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index] ?? '') < (keys[index - 1] ?? '')) return false;
  }
  return true;
}

function write(value: unknown, depth: number, path: (string | number)[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      if (!Number.isFinite(value)) throw refuse(path, `is ${value}, which JSON cannot say`);
      return Object.is(value, -0) ? '0' : String(value);
    case 'object':
      break;
    default:
      throw refuse(path, `is a ${typeof value}, which JSON cannot say`);
  }
  if (value === null) return 'null';
  if (depth >= MAX_DEPTH) throw refuse(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    let text = '[';
    for (let index = 0; index < value.length; index += 1) {
      path.push(index);
      text += (index === 0 ? '' : ',') + write(value[index] ?? null, depth + 1, path);
      path.pop();
    }
    return text + ']';
  }
  const members = value as Record<string, unknown>;
  if (typeof members['toJSON'] === 'function') {
    return write((members as { toJSON: () => unknown }).toJSON(), depth + 1, path);
  }
  let text = '{';
  // The default order compares UTF-16 code units, which is the order that RFC 8785 asks for.
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member === undefined) continue;
    path.push(key);
    text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${write(member, depth + 1, path)}`;
    path.pop();
  }
  return text + '}';
}

function refuse(path: (string | number)[], reason: string): NotCanonicalError {
  const pointer = path.map((part) => '/' + String(part).replace(/~/g, '~0').replace(/\//g, '~1'));
  // A very deep path says no more than its start and its end.
  const shown =
    pointer.length > 12 ? [...pointer.slice(0, 6), '/…', ...pointer.slice(-4)] : pointer;
  return new NotCanonicalError(shown.join(''), reason);
}
