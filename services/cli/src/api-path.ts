/**
 * Where the gateway has what a person names. A name that cannot be one is told here: there is nothing
 * of that name, and in a path it could mean something else.
 */
import { ApprovalId, DirectiveId, RunId, ScheduleId } from '@writ/contracts';

import { CliError } from './cli-error';

export function directivePath(id: string): string {
  if (DirectiveId.safeParse(id).success) return `/v1/directives/${id}`;
  const form = 'an id has 16 characters a-z and 0-9, as "writ list" shows it';
  throw new CliError('not_found', `there is no directive ${JSON.stringify(id)}: ${form}`);
}

export function approvalPath(id: string): string {
  if (ApprovalId.safeParse(id).success) return `/v1/approvals/${id}`;
  const form = '"writ approvals" shows the ids';
  throw new CliError('not_found', `there is no approval ${JSON.stringify(id)}: ${form}`);
}

export function schedulePath(id: string): string {
  if (ScheduleId.safeParse(id).success) return `/v1/schedules/${id}`;
  const form = '"writ schedule list" shows the ids';
  throw new CliError('not_found', `there is no schedule ${JSON.stringify(id)}: ${form}`);
}

export function runPath(id: string): string {
  if (RunId.safeParse(id).success) return `/v1/runs/${id}`;
  const form = '"writ show DIRECTIVE" shows the ids of its runs';
  throw new CliError('not_found', `there is no run ${JSON.stringify(id)}: ${form}`);
}

export function deadLetterPath(id: string): string {
  if (/^[^/\\]+$/.test(id) && !/^\.+$/.test(id))
    return `/v1/dead-letters/${encodeURIComponent(id)}`;
  const form = '"writ dlq ls" shows the ids';
  throw new CliError('not_found', `there is no dead letter ${JSON.stringify(id)}: ${form}`);
}
