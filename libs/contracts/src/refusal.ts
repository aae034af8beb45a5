/** What a command may be refused for: a closed list. HTTP statuses and exit codes follow from it. */

export const refusalCodes = {
  malformed: 'the message does not fit its schema',
  invalid_directive: 'the directive or its chain has errors',
  invalid_schedule: 'the schedule has errors',
  not_found: 'there is no such thing',
  already_exists: 'there is one with this id already',
  illegal_transition: 'its state does not allow it',
  command_reused: 'the same command id was used with other content',
  not_available: 'it is not available in this version or configuration',
  superseded: 'somebody else has taken over',
  too_large: 'it is larger than what is taken',
  incomplete: 'something that it needs is missing',
  stale: 'it changed since it was seen',
  not_allowed: 'who asks may not do this',
  overloaded: 'there is more work than is wise; try again later',
} as const;
export type RefusalCode = keyof typeof refusalCodes;

export interface Refusal {
  readonly refused: RefusalCode;
  readonly message: string;
  readonly details?: unknown;
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refused' in value;
}

/** The details of `overloaded`. */
export interface RetryLater {
  readonly retryAfterMs: number;
}

/** What the sender of a directive command gets on its `writ-reply-to` subject. */
export type CommandAnswer =
  { ok: true; directiveId: string; version: number; position: number } | RefusedAnswer;

/** The same of a schedule; `next` are times of a cron expression, `directiveId` what a firing made. */
export type ScheduleAnswer =
  | {
      ok: true;
      scheduleId: string;
      version: number;
      position: number;
      next?: readonly string[];
      directiveId?: string;
    }
  | RefusedAnswer;

/** The same of a rule. */
export type RuleAnswer =
  { ok: true; name: string; version: number; position: number } | RefusedAnswer;

interface RefusedAnswer {
  ok: false;
  error: { code: string; message: string; details?: unknown };
}
