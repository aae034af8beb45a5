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

/**
 * Writes a JSON value as RFC 8785 text. Members that are `undefined` are left out.
 * Throws NotCanonicalError for what JSON cannot say (NaN, infinities, bigint, functions, cycles).
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0, []);
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
