/**
 * Files that go with an order to a directive: a chain, one step, or what is to be amended. Complaints
 * name file, line and column, as those about a directive file do; files beside it are found alike.
 */
import { Amendments, DirectiveFile, explainIssues, StepSpec, type Issue } from '@writ/contracts';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';

import { readBounded } from '../read-bounded';
import { resolveInputs, type InputFile } from './input-files';
import { isMap } from './is-map';
import { parseText, SIZE_LIMIT } from './parse-text';
import { invalid } from './read-directive-file';

export interface OrderFile<T> {
  readonly value: T;
  /** To be uploaded before the order is sent. */
  readonly files: readonly InputFile[];
  /** Throws what the planner finds wrong, with its places in the file. */
  readonly fail: (issues: readonly Issue[]) => never;
}

const Chain = DirectiveFile.shape.chain.unwrap();

/** Of a file with `chain`, such as a directive file, or with `steps` alone. */
export function readChainFile(file: string): OrderFile<z.input<typeof Chain>> {
  return read(file, Chain, '/chain', (value) => {
    if (isMap(value) && value['chain'] !== undefined) return [{ chain: value['chain'] }, '/chain'];
    return [{ chain: value }, ''];
  });
}

export function readStepFile(file: string): OrderFile<z.input<typeof StepSpec>> {
  return read(file, StepSpec, '/chain/steps/0', (value) => [{ chain: { steps: [value] } }, '']);
}

export function readAmendments(file: string): OrderFile<z.input<typeof Amendments>> {
  return read(file, Amendments, '', (value) => [value, '']);
}

/** `within`: where the part is in what is sent; `wrap` gives that, and where the part is in the file. */
function read<T>(
  file: string,
  schema: z.ZodType<unknown, T>,
  within: string,
  wrap: (value: unknown) => readonly [unknown, string],
): OrderFile<T> {
  const parsed = parseText(readBounded(file, SIZE_LIMIT, 'file'));
  if ('issues' in parsed) {
    throw invalid(
      file,
      parsed.issues.map(({ line, column, ...issue }) => {
        return { ...issue, path: '', place: `${file}:${line}:${column}` };
      }),
    );
  }
  const { locate } = parsed;
  const [wrapped, inFile] = wrap(parsed.value);
  const fail = (issues: readonly Issue[]): never => {
    throw invalid(
      file,
      issues.map((issue) => {
        const path = issue.path.startsWith(within)
          ? inFile + issue.path.slice(within.length)
          : issue.path;
        const { line, column } = locate(path);
        return { ...issue, path, place: `${file}:${line}:${column}` };
      }),
    );
  };
  const issues: Issue[] = [];
  const folder = file === '-' ? process.cwd() : dirname(resolve(file));
  const { value: resolved, files } = resolveInputs(wrapped, folder, issues);
  const part = within
    .split('/')
    .slice(1)
    .reduce((value: unknown, key) => (value as Record<string, unknown>)?.[key], resolved);
  const checked = schema.safeParse(part);
  if (!checked.success) {
    const found = explainIssues(schema, checked.error, part);
    issues.push(...found.map((issue) => ({ ...issue, path: within + issue.path })));
  }
  if (issues.length > 0) fail(issues);
  return { value: part as T, files, fail };
}
