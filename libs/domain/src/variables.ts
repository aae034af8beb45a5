/**
 * `${name}` in the strings of a directive: replaced once, nowhere else, never scanned again.
 * `$${` is a literal `${`. Names that the executor fills in when a step runs stay as they are.
 */
import { RUNTIME_VARIABLES, nearest, type Issue } from '@writ/contracts';

const REFERENCE = /\$\$\{|\$\{([^}]*)\}/g;
const runtime: readonly string[] = RUNTIME_VARIABLES;

/** Replaces in every string of a JSON value; keys stay as they are. `path` is a JSON pointer. */
export function replaceVariables<T>(
  value: T,
  variables: Readonly<Record<string, string>>,
  path: string,
  issues: Issue[],
): T {
  if (typeof value === 'string') return replaceIn(value, variables, path, issues) as T;
  if (Array.isArray(value)) {
    return value.map((item, at) => replaceVariables(item, variables, `${path}/${at}`, issues)) as T;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [
    key,
    replaceVariables(member, variables, `${path}/${key}`, issues),
  ]);
  return Object.fromEntries(entries) as T;
}

function replaceIn(
  text: string,
  variables: Readonly<Record<string, string>>,
  path: string,
  issues: Issue[],
): string {
  if (!text.includes('${')) return text;
  return text.replace(REFERENCE, (whole, name: string | undefined) => {
    if (name === undefined) return '${';
    if (runtime.includes(name)) return whole;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value !== undefined) return value;
    const near = nearest(name, [...Object.keys(variables), ...runtime]);
    issues.push({
      code: 'unknown_variable',
      message:
        `there is no variable "${name}"` +
        (near === undefined ? '; declare it under "variables"' : `; did you mean "${near}"?`) +
        ' A literal "${" is written "$${".',
      path,
    });
    return whole;
  });
}
