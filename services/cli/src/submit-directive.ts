/** From a directive file to an accepted directive: read, checked, its files uploaded, sent. */
import type { Issue } from '@writ/contracts';
import { readFileSync } from 'node:fs';

import { CliError } from './cli-error';
import {
  invalid,
  parseVariables,
  readDirectiveFile,
  type ReadDirective,
} from './directive-file/read-directive-file';
import { checkWorkspace } from './directive-file/resolve-workspace';
import type { Gateway } from './gateway-client';
import { issuesOf } from './output';

export interface Accepted {
  readonly directiveId: string;
  readonly commandId: string;
  readonly position: number;
  readonly version: number;
}

export interface SubmitOptions {
  readonly start?: boolean;
  readonly key?: string | undefined;
}

/** Everything that can be found wrong before a stack is needed. Throws CliError. */
export function readForSubmit(
  file: string,
  vars: readonly string[],
  local: boolean,
): ReadDirective {
  const read = readDirectiveFile(file, parseVariables(vars));
  const issue = local ? checkWorkspace(read.directive) : undefined;
  if (issue !== undefined) throw invalid(file, read.place([issue]), issue.code);
  return read;
}

export async function submitDirective(
  gateway: Gateway,
  file: string,
  { directive, files, place }: ReadDirective,
  { start = true, key }: SubmitOptions = {},
): Promise<Accepted> {
  await uploadInputs(gateway, files);
  try {
    return await gateway.post<Accepted>('/v1/directives', { directive, start }, key);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'invalid_directive') throw error;
    const issues = issuesOf(error.details) as Issue[];
    throw issues.length === 0 ? error : invalid(file, place(issues));
  }
}

export async function uploadInputs(gateway: Gateway, files: ReadDirective['files']): Promise<void> {
  for (const { path, digest } of files) {
    const artifact = `/v1/artifacts/${digest}`;
    // A file that changes while it is sent is refused: its bytes are not those of the digest.
    if (!(await gateway.exists(artifact))) await gateway.put(artifact, readFileSync(path));
  }
}
