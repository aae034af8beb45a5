/** Names of things: their form, and how one follows from another. None holds a dot or a slash. */
import { z } from 'zod';

/** All have one length, so that no directive's streams begin like another's. */
export const DirectiveId = z
  .string()
  .regex(/^[a-z0-9]{16}$/, 'is not a directive id (16 characters a-z and 0-9)');

/** Looks like the id of a directive, and is made in the same way. */
export const ScheduleId = z
  .string()
  .regex(/^[a-z0-9]{16}$/, 'is not a schedule id (16 characters a-z and 0-9)');

/** kebab-case; at most 64 characters, so that run ids and branches stay short. */
export const StepName = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'is not kebab-case (a-z, 0-9 and single dashes)');

export const RunId = z
  .string()
  .regex(/^[a-z0-9]{16}-g\d{1,6}-[a-z0-9-]{1,64}-a\d{1,6}$/, 'is not a run id');

/** `sha256:<64 hex>` */
export const Digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'is not a digest (sha256:<64 hex>)');

export function runIdOf(directiveId: string, generation: number, step: string, attempt: number) {
  return `${directiveId}-g${generation}-${step}-a${attempt}`;
}

/** The directive a run belongs to. */
export function directiveIdOf(runId: string): string {
  return runId.slice(0, runId.indexOf('-'));
}

export const streamOf = {
  directive: (directiveId: string) => `directive-${directiveId}`,
  run: (runId: string) => `run-${runId}`,
  evaluation: (runId: string) => `evaluation-${runId}`,
  workspace: (directiveId: string) => `workspace-${directiveId}`,
  manifest: (subjectId: string) => `manifest-${subjectId}`,
  schedule: (scheduleId: string) => `schedule-${scheduleId}`,
  rule: (name: string) => `rule-${name}`,
} as const;

/** The prefixes of all streams that belong to one directive. */
export function streamsOfDirective(directiveId: string): string[] {
  return [
    streamOf.directive(directiveId),
    streamOf.workspace(directiveId),
    `run-${directiveId}-`,
    `evaluation-${directiveId}-`,
    `manifest-${directiveId}`,
  ];
}

/** The branch that holds the work of a directive with a git workspace. */
export const branchOf = (directiveId: string) => `writ/${directiveId}`;

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** The id of the directive that a create command without one makes: the same command, the same id. */
export const directiveIdFrom = (commandId: string, sha256: (text: string) => Uint8Array) =>
  idFrom(sha256(`directive:${commandId}`));

/** The same of a schedule. */
export const scheduleIdFrom = (commandId: string, sha256: (text: string) => Uint8Array) =>
  idFrom(sha256(`schedule:${commandId}`));

function idFrom(bytes: Uint8Array): string {
  let id = '';
  for (let index = 0; index < 16; index += 1) id += BASE32[(bytes[index] ?? 0) & 31];
  return id;
}
