/**
 * From a file that a person wrote to a directive that can be submitted. Owns what the client fills
 * in: variables from the command line, paths relative to the file, files beside it. Every complaint
 * names file, line and column. Rules across steps are the planner's.
 */
import { checkDirectiveFile, type DirectiveFileInput, type Issue, nearest } from '@writ/contracts';
import { dirname, resolve } from 'node:path';

import { CliError } from '../cli-error';
import { readBounded } from '../read-bounded';
import { type InputFile, resolveInputs } from './input-files';
import { isMap } from './is-map';
import { parseText, type Place, SIZE_LIMIT } from './parse-text';
import { resolveWorkspace } from './resolve-workspace';

export interface PlacedIssue extends Issue {
  /** `file:line:column` */
  readonly place: string;
}

export interface ReadDirective {
  readonly directive: DirectiveFileInput;
  /** What its steps name under `inputs`; to be uploaded before the directive is submitted. */
  readonly files: readonly InputFile[];
  /** Gives the issues that the planner finds their places in the file. */
  readonly place: (issues: readonly Issue[]) => PlacedIssue[];
}

/**
 * `-` reads from stdin. Throws CliError: invalid_directive with every issue, file_missing, too_large.
 */
export function readDirectiveFile(
  file: string,
  variables: Readonly<Record<string, string>> = {},
): ReadDirective {
  const parsed = parseText(readBounded(file, SIZE_LIMIT, 'directive file'));
  if ('issues' in parsed) {
    throw invalid(
      file,
      parsed.issues.map(({ line, column, ...issue }) => {
        return { ...issue, path: '', place: `${file}:${line}:${column}` };
      }),
    );
  }
  const { locate } = parsed;
  const place = (issues: readonly Issue[]) =>
    issues.map((issue) => ({ ...issue, place: placed(file, locate(issue.path)) }));
  const folder = file === '-' ? process.cwd() : dirname(resolve(file));
  const issues: Issue[] = [];
  const written = setVariables(parsed.value, variables, issues);
  const { value, files } = resolveInputs(written, folder, issues);
  const checked = checkDirectiveFile(value);
  if ('issues' in checked) issues.push(...checked.issues);
  if (issues.length > 0) throw invalid(file, place(issues));
  const directive = resolveWorkspace(value as DirectiveFileInput, folder);
  return { directive, files, place };
}

export function invalid(
  file: string,
  issues: readonly PlacedIssue[],
  code = 'invalid_directive',
): CliError {
  const [first] = issues;
  const [line, column] = (first?.place ?? '').split(':').slice(-2);
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const message = `${file}, line ${line}, column ${column}: ${first?.message}${more}`;
  return new CliError(code, message, { issues });
}

function placed(file: string, { line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** `--var` sets what the file declares, so that a slip in a name is told. */
function setVariables(
  value: unknown,
  variables: Readonly<Record<string, string>>,
  issues: Issue[],
): unknown {
  if (Object.keys(variables).length === 0 || !isMap(value)) return value;
  const declared = isMap(value['variables']) ? value['variables'] : {};
  for (const name of Object.keys(variables)) {
    if (Object.hasOwn(declared, name)) continue;
    const near = nearest(name, Object.keys(declared));
    const hint = near === undefined ? '' : `; did you mean "${near}"?`;
    const message = `--var ${name}: the file declares no variable "${name}"${hint}`;
    issues.push({ code: 'unknown_variable', message, path: '/variables' });
  }
  return { ...value, variables: { ...declared, ...variables } };
}

/** `name=value` from the command line. */
export function parseVariables(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const equals = text.indexOf('=');
      if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)] as const;
      throw new CliError('usage', `--var ${text}: write it as name=value`);
    }),
  );
}
