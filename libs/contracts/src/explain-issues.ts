/**
 * What a schema found wrong, said so that a person can mend it: a stable code, a sentence with the
 * name that was probably meant, a JSON pointer. Owns the wording; the rules are the schemas'.
 */
import { z } from 'zod';
import type { Issue } from './directive-file';
import { nearest } from './nearest';

/** More would not be read. */
export const ISSUE_LIMIT = 100;

type Found = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** `value` is what `schema` was asked about. */
export function explainIssues(schema: z.ZodType, error: z.ZodError, value: unknown): Issue[] {
  const issues: Issue[] = [];
  for (const found of error.issues) {
    if (issues.length >= ISSUE_LIMIT) break;
    issues.push(...explain(schema, found, [], value));
  }
  return issues.slice(0, ISSUE_LIMIT);
}

export function pointerOf(path: Path): string {
  return path.map((part) => '/' + String(part).replace(/~/g, '~0').replace(/\//g, '~1')).join('');
}

function explain(schema: z.ZodType, found: Found, above: Path, value: unknown): Issue[] {
  const path = [...above, ...found.path];
  const say = (code: string, message: string, at: Path = path): Issue => ({
    code,
    message,
    path: pointerOf(at),
  });
  const what = nameOf(path);
  switch (found.code) {
    case 'unrecognized_keys': {
      const known = keysAt(schema, path, value);
      return found.keys.slice(0, ISSUE_LIMIT).map((key) => {
        const message = `there is no "${key.slice(0, 100)}" here${orElse(key, known)}`;
        return say('unknown_key', message, [...path, key]);
      });
    }
    case 'invalid_type':
      return valueAt(value, path) === undefined
        ? [say('missing', `${what} is missing; it must be ${kindName(found.expected)}`)]
        : [
            say(
              'wrong_type',
              `${what} ${isOf(valueAt(value, path))}, it must be ${kindName(found.expected)}`,
            ),
          ];
    case 'invalid_value':
      return [say('unknown_value', unknownValue(what, valueAt(value, path), found.values))];
    case 'invalid_union':
      return explainUnion(schema, found, path, value);
    case 'invalid_key': {
      const reason = found.issues[0]?.message ?? 'is not a name';
      return [say('invalid_key', `"${String(path.at(-1))}" ${reason}`)];
    }
    case 'too_small':
    case 'too_big':
      return [say('out_of_range', `${what} ${range(found)}`)];
    case 'custom':
      return [say(String(found.params?.['code'] ?? 'invalid_value'), `${what} ${found.message}`)];
    default:
      return [say('invalid_value', `${what} ${found.message}`)];
  }
}

function explainUnion(
  schema: z.ZodType,
  found: Extract<Found, { code: 'invalid_union' }>,
  path: Path,
  value: unknown,
): Issue[] {
  const options = (found as { options?: readonly unknown[] }).options;
  if (options !== undefined) {
    const given = valueAt(value, path);
    if (given === undefined) {
      const message = `${nameOf(path)} is missing; it is one of ${options.join(', ')}`;
      return [{ code: 'missing', message, path: pointerOf(path) }];
    }
    const message = unknownValue(nameOf(path), given, options);
    return [{ code: 'unknown_value', message, path: pointerOf(path) }];
  }
  // The branch that was meant is the one whose complaints lie deepest. There may be very many.
  const depth = (issues: readonly Found[]) =>
    issues.reduce((deepest, { path: at }) => Math.max(deepest, at.length), 0);
  const branches = found.errors.filter((issues) => issues.length > 0);
  const deepest = [...branches].sort((a, b) => depth(b) - depth(a))[0] ?? [];
  // With none that goes deeper, it is the one of the right kind: too long a list is still a list.
  const ofItsKind = branches.find((issues) => !issues.some(isOfOtherKind)) ?? [];
  const meant = depth(deepest) > 0 ? deepest : ofItsKind;
  if (meant.length > 0) {
    const shown = meant.slice(0, ISSUE_LIMIT);
    return shown.flatMap((inner) => explain(schema, inner, path, value));
  }
  const forms = branches.flatMap((issues) => issues.map(formOf));
  const message = `${nameOf(path)} ${isOf(valueAt(value, path))}, it must be ${forms.join(' or ')}`;
  return [{ code: 'wrong_type', message, path: pointerOf(path) }];
}

const isOfOtherKind = ({ code }: Found) => code === 'invalid_type' || code === 'invalid_value';

function formOf(found: Found): string {
  if (found.code === 'invalid_type') return kindName(found.expected);
  if (found.code === 'invalid_value') return found.values.map((it) => `"${String(it)}"`).join(', ');
  return 'something else';
}

function unknownValue(what: string, given: unknown, known: readonly unknown[]): string {
  const names = known.map(String);
  if (typeof given !== 'string') return `${what} ${isOf(given)}, it is one of ${names.join(', ')}`;
  const near = nearest(given, names);
  const hint = near === undefined ? '; it is' : `; did you mean "${near}"? It is`;
  return `${what} cannot be "${given.slice(0, 100)}"${hint} one of ${names.join(', ')}`;
}

function orElse(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== undefined) return `; did you mean "${near}"?`;
  return known.length > 0 && known.length <= 12 ? `; known are ${known.join(', ')}` : '';
}

function range(found: Extract<Found, { code: 'too_small' | 'too_big' }>): string {
  const small = found.code === 'too_small';
  const limit = String(small ? found.minimum : found.maximum);
  // A message of the schema's own says it better.
  if (!/^Too (small|big)/.test(found.message)) return found.message;
  const bound = `${small ? 'at least' : 'at most'} ${limit}`;
  if (found.origin === 'string') {
    return small && limit === '1' ? 'is empty' : `must have ${bound} characters`;
  }
  if (found.origin === 'array')
    return small && limit === '1' ? 'is empty' : `must have ${bound} items`;
  return `must be ${bound}`;
}

/** How a value is called in a sentence: its key, or its place in a list. */
function nameOf(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return 'the whole';
  if (typeof last !== 'number') return `"${String(last)}"`;
  const list = path.at(-2);
  return `item ${last + 1}${list === undefined ? '' : ` of "${String(list)}"`}`;
}

const kindNames: Record<string, string> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};
const kindName = (kind: string): string => kindNames[kind] ?? kind;

function isOf(value: unknown): string {
  if (value === null) return 'is empty (null)';
  if (Array.isArray(value)) return 'is a list';
  return `is ${kindName(typeof value)}`;
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<PropertyKey, unknown>)[part];
  }
  return here;
}

/** The keys that the schema knows at a place, as far as the value there tells which it is. */
function keysAt(schema: z.ZodType, path: Path, value: unknown): string[] {
  let here: z.core.$ZodType | undefined = schema;
  let at = value;
  for (const part of [...path, undefined]) {
    here = choose(here, at);
    if (part === undefined || here === undefined) break;
    const def: z.core.$ZodTypeDef = here._zod.def;
    if (def.type === 'object') here = (def as z.core.$ZodObjectDef).shape[String(part)];
    else if (def.type === 'array') here = (def as z.core.$ZodArrayDef).element;
    else if (def.type === 'record') here = (def as z.core.$ZodRecordDef).valueType;
    else return [];
    at = valueAt(at, [part]);
  }
  return here?._zod.def.type === 'object'
    ? Object.keys((here._zod.def as z.core.$ZodObjectDef).shape)
    : [];
}

/** Takes off defaults and the like, and picks the member of a union that the value is meant as. */
function choose(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType | undefined {
  const def = schema?._zod.def as
    { type: string; innerType?: z.core.$ZodType; in?: z.core.$ZodType } | undefined;
  if (def === undefined) return undefined;
  if (def.innerType !== undefined) return choose(def.innerType, value);
  if (def.type === 'pipe') return choose(def.in, value);
  if (def.type !== 'union') return schema;
  const { options, discriminator } = schema!._zod.def as z.core.$ZodDiscriminatedUnionDef;
  for (const option of options) {
    const inner = choose(option, value);
    if (discriminator === undefined) {
      if ((inner?._zod.def.type === 'array') === Array.isArray(value)) return inner;
      continue;
    }
    const shape = (inner?._zod.def as z.core.$ZodObjectDef | undefined)?.shape;
    const tag = shape?.[discriminator]?._zod.values;
    if (tag?.has(valueAt(value, [discriminator]) as string)) return inner;
  }
  return undefined;
}
