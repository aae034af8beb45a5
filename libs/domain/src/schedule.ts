/**
 * The schedule aggregate: what a command, a time or a message makes happen. Owns when a directive is
 * made, when not, and that one occurrence makes one. Times of an expression are worked out by the
 * planner and arrive in the command; the directive itself is made by its ordinary command.
 *
 * S1 What was dealt with, fired or skipped, is not dealt with again: times by how far the schedule has
 *    come, messages by their keys, commands by their ids.
 * S2 The id of a directive follows from the schedule and the occurrence. So a message that comes again
 *    when it is long forgotten here makes no second directive either.
 * S3 A message without an id of its own is known by what it says, which may be said again on purpose:
 *    it counts as the same for `SAME_WORDS_MS`, and only then.
 * S4 A time counts as missed when it is over for longer than a planner takes to look: only then was
 *    none there. Missed ones are made up for as `catchUp` says; others all fire.
 */
import { hash } from 'node:crypto';
import {
  directiveIdFrom,
  type Occurrence,
  type Refusal,
  type RefusalCode,
  type ScheduleEvent,
  type ScheduleEventData,
  type ScheduleStatus,
  type ScheduleVerb,
  type SkipReason,
} from '@writ/contracts';
import type { Decider } from './decider';
import { evolveSchedule, isBefore, type Schedule, type ScheduleState } from './schedule-state';

/** S3 */
export const SAME_WORDS_MS = 120_000;
export const SAME_WORDS = 'digest:';
/** S4 */
export const MISSED_AFTER_MS = 10_000;

/** An occurrence, and what is wrong with the directive that it would make. */
export interface Checked {
  readonly occurrence: Occurrence;
  readonly problem?: { readonly reason: SkipReason; readonly message: string };
}

/** Of the directives before, those that have ended. */
type Ended = ReadonlySet<string>;

export type ScheduleCommand =
  | {
      readonly type: 'create';
      readonly commandId: string;
      readonly scheduleId: string;
      readonly spec: ScheduleEventData<'ScheduleCreated'>;
    }
  | { readonly type: 'pause' | 'remove'; readonly commandId: string; readonly reason?: string }
  | { readonly type: 'resume'; readonly commandId: string }
  | { readonly type: 'fire'; readonly commandId: string; readonly asked: Checked }
  | { readonly type: 'hear'; readonly heard: Checked; readonly ended: Ended }
  | {
      readonly type: 'tick';
      /** The database's. */
      readonly now: string;
      /** Times of the expression up to now, the latest of them, in order. */
      readonly due: readonly Checked[];
      /** The first that is due, when there were too many to name. */
      readonly from?: string;
      readonly ended: Ended;
    }
  | ({ readonly type: 'note-refused' } & ScheduleEventData<'ScheduleDirectiveRefused'>);

export const scheduleDecider: Decider<ScheduleState, ScheduleCommand, ScheduleEvent> = {
  initial: { status: 'absent' },
  decide,
  evolve: evolveSchedule,
};

/** From which states each verb leads on. */
export const legalOnSchedule: Readonly<
  Record<Exclude<ScheduleVerb, 'create'>, readonly ScheduleStatus[]>
> = {
  pause: ['active'],
  resume: ['paused'],
  remove: ['active', 'paused'],
  fire: ['active', 'paused'],
};

function decide(command: ScheduleCommand, state: ScheduleState): ScheduleEvent[] | Refusal {
  if (command.type === 'create') return create(command, state);
  if (state.status === 'absent') return refuse('not_found', 'there is no such schedule');
  switch (command.type) {
    case 'hear':
      return hear(command.heard, state, command.ended);
    case 'tick':
      return tick(command, state);
    case 'note-refused': {
      const firing = state.firings.find(({ directiveId }) => directiveId === command.directiveId);
      if (firing === undefined || firing.refused !== undefined) return [];
      const { directiveId, code, message } = command;
      return [{ type: 'ScheduleDirectiveRefused', data: { directiveId, code, message } }];
    }
    default:
      return obey(command, state);
  }
}

function create(
  { commandId, scheduleId, spec }: Extract<ScheduleCommand, { type: 'create' }>,
  state: ScheduleState,
): ScheduleEvent[] | Refusal {
  if (state.status === 'absent') return [{ type: 'ScheduleCreated', data: spec }];
  const first = state.answers.get(commandId);
  if (first === undefined) {
    return refuse('already_exists', `there is a schedule ${scheduleId} already`);
  }
  if (first.verb !== 'create') return reused(commandId, first.verb, 'create');
  if (state.spec.contentDigest === spec.contentDigest) return [];
  return refuse('command_reused', `command ${commandId} was used with another schedule`);
}

function obey(
  command: Extract<ScheduleCommand, { type: keyof typeof legalOnSchedule }>,
  state: Schedule,
): ScheduleEvent[] | Refusal {
  const { type: verb, commandId } = command;
  const first = state.answers.get(commandId);
  if (first !== undefined) return first.verb === verb ? [] : reused(commandId, first.verb, verb); // S1
  if (!legalOnSchedule[verb].includes(state.status)) return illegal(verb, state.status);
  const reason = 'reason' in command && command.reason ? { reason: command.reason } : {};
  switch (command.type) {
    case 'pause':
      return [{ type: 'SchedulePaused', data: reason }];
    case 'resume':
      return [{ type: 'ScheduleResumed', data: {} }];
    case 'remove':
      return [{ type: 'ScheduleRemoved', data: reason }];
    case 'fire': {
      const { problem, occurrence } = command.asked;
      if (problem !== undefined) return refuse('invalid_directive', problem.message);
      return [fired(state.id, occurrence)];
    }
  }
}

function hear({ occurrence, problem }: Checked, state: Schedule, ended: Ended): ScheduleEvent[] {
  if (state.status !== 'active') return [];
  const { key, scheduledFor } = occurrence;
  const before = state.heard.get(key);
  if (before !== undefined) {
    if (!key.startsWith(SAME_WORDS)) return []; // S1
    if (Date.parse(scheduledFor) - Date.parse(before) < SAME_WORDS_MS) return []; // S3
  }
  return [settle({ occurrence, problem }, state, lastHasEnded(state, ended))];
}

function tick(
  { now, due, from, ended }: Extract<ScheduleCommand, { type: 'tick' }>,
  state: Schedule,
): ScheduleEvent[] {
  if (state.status !== 'active') return [];
  const events: ScheduleEvent[] = [];
  let after: Schedule = state;
  let free = lastHasEnded(state, ended);
  const add = (event: ScheduleEvent) => {
    events.push(event);
    // Only what it is to wait for is looked at again.
    if (event.type === 'ScheduleBuffered') after = { ...after, waiting: event.data };
    if (event.type === 'ScheduleFired') [after, free] = [{ ...after, waiting: null }, false];
  };
  if (state.waiting !== null && free) add(fired(state.id, state.waiting));
  const fresh = due.filter(({ occurrence }) => isBefore(state.upTo, occurrence.scheduledFor)); // S1
  const { made, skipped } = catchUp(fresh, state.spec.catchUp, now);
  const last = skipped.at(-1)?.occurrence;
  if (last !== undefined) add(missed(last, skipped, from, state));
  for (const one of made) add(settle(one, after, free));
  return events;
}

/** S4 */
function catchUp(
  due: readonly Checked[],
  policy: Schedule['spec']['catchUp'],
  now: string,
): { made: readonly Checked[]; skipped: readonly Checked[] } {
  const limit = Date.parse(now) - MISSED_AFTER_MS;
  const late = due.filter(({ occurrence }) => Date.parse(occurrence.scheduledFor) < limit);
  const inTime = due.slice(late.length);
  const wanted = { none: 0, last: inTime.length > 0 ? 0 : 1, all: late.length }[policy];
  const skipped = late.slice(0, late.length - wanted);
  return { skipped, made: due.slice(skipped.length) };
}

function missed(
  last: Occurrence,
  skipped: readonly Checked[],
  from: string | undefined,
  { upTo }: Schedule,
): ScheduleEvent {
  const { by, scheduledFor, key } = last;
  const more = from !== undefined && isBefore(upTo, from);
  const first = more ? from : (skipped[0]?.occurrence.scheduledFor ?? scheduledFor);
  const many =
    skipped.length === 1 && !more ? 'a time' : `${more ? 'more than ' : ''}${skipped.length} times`;
  return {
    type: 'ScheduleSkipped',
    data: {
      ...{ by, scheduledFor, key, reason: 'missed' },
      ...(first === scheduledFor ? {} : { from: first }),
      message: `${many} passed while no planner was there`,
    },
  };
}

function lastHasEnded({ firings }: Schedule, ended: Ended): boolean {
  const last = firings.at(-1);
  return last === undefined || last.refused !== undefined || ended.has(last.directiveId);
}

function settle(
  { occurrence, problem }: Checked,
  { id, spec: { overlap }, waiting }: Schedule,
  free: boolean,
): ScheduleEvent {
  if (problem !== undefined) return skip(occurrence, problem.reason, problem.message);
  if (overlap === 'allow' || (free && waiting === null)) return fired(id, occurrence);
  if (overlap === 'buffer-one' && waiting === null) {
    return { type: 'ScheduleBuffered', data: occurrence };
  }
  return skip(occurrence, 'overlap', 'the directive of the firing before has not ended');
}

function skip(
  { by, scheduledFor, key }: Occurrence,
  reason: SkipReason,
  message: string,
): ScheduleEvent {
  return { type: 'ScheduleSkipped', data: { by, scheduledFor, key, reason, message } };
}

/** S2 */
function fired(scheduleId: string, occurrence: Occurrence): ScheduleEvent {
  const { by, key, scheduledFor } = occurrence;
  const which = key.startsWith(SAME_WORDS) ? `${key}@${scheduledFor}` : key;
  const commandId = `schedule-${scheduleId}-${hash('sha256', `${by} ${which}`).slice(0, 32)}`;
  const directiveId = directiveIdFrom(commandId, (text) => hash('sha256', text, 'buffer'));
  return { type: 'ScheduleFired', data: { ...occurrence, commandId, directiveId } };
}

function illegal(verb: keyof typeof legalOnSchedule, from: ScheduleStatus): Refusal {
  const verbs = Object.keys(legalOnSchedule) as (keyof typeof legalOnSchedule)[];
  const legal = verbs.filter((it) => legalOnSchedule[it].includes(from));
  const cure = legal.length > 0 ? `it can ${legal.join(' or ')}` : 'create another one';
  const message = `a schedule that is ${from} cannot ${verb}; ${cure}`;
  return { refused: 'illegal_transition', message, details: { from, verb, legal } };
}

function reused(commandId: string, before: string, now: string): Refusal {
  return refuse('command_reused', `command ${commandId} was used to ${before}, not to ${now}`);
}

function refuse(refused: RefusalCode, message: string): Refusal {
  return { refused, message };
}
