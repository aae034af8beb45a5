/** Takes a schedule command, decides it, answers. The same command id again makes nothing more. */
import {
  canonicalJson,
  isRefusal,
  scheduleCommands,
  scheduleIdFrom,
  scheduleVerbs,
  streamOf,
  TerminalError,
  type Actor,
  type Refusal,
  type ScheduleAnswer,
  type ScheduleCommandData,
  type ScheduleEventData,
  type ScheduleVerb,
} from '@writ/contracts';
import type { Schedule, ScheduleCommand } from '@writ/domain';
import type { Incoming } from '@writ/messaging';
import { sha256 } from '../planner';
import { problemWith, refuseDirective } from './check-directive';
import { variablesOf } from './read-message';
import { decideSchedule, type Schedules } from './schedules';
import { faultOfClockwork, nextTimes } from './times';

export type ParsedScheduleCommand = {
  [V in ScheduleVerb]: { readonly verb: V; readonly data: ScheduleCommandData<V> };
}[ScheduleVerb];

const NEXT_SHOWN = 5;

/** Reads the data of `writ.command.schedule.<verb>`; throws when it does not fit. */
export function parseScheduleCommand(data: unknown, subject: string): ParsedScheduleCommand {
  const verb = subject.slice(subject.lastIndexOf('.') + 1) as ScheduleVerb;
  if (!scheduleVerbs.includes(verb)) {
    const known = scheduleVerbs.join(', ');
    throw new TerminalError('malformed', `"${verb}" is no schedule command; there are ${known}`);
  }
  return { verb, data: scheduleCommands[verb].parse(data) } as ParsedScheduleCommand;
}

export async function decideScheduleCommand(
  deps: Schedules,
  { data: parsed, attributes }: Incoming<ParsedScheduleCommand>,
): Promise<ScheduleAnswer> {
  const commandId = attributes.commandId ?? attributes.id;
  const scheduleId = parsed.data.scheduleId ?? scheduleIdFrom(commandId, sha256);
  const actor: Actor = attributes.actor ?? { kind: 'person', id: 'unknown' };
  const now = await deps.rows.now();
  const command = await toCommand(deps, commandId, scheduleId, parsed, now);
  if (isRefusal(command)) return refusedAnswer(command);
  const { causationId, traceparent } = attributes;
  const about = { commandId, causationId, actor, traceparent };
  const decided = await decideSchedule(deps, scheduleId, command, about);
  if (isRefusal(decided)) return refusedAnswer(decided);
  const { schedule } = decided;
  await deps.subjects.setRight(schedule);
  deps.touched(scheduleId);
  return answer(schedule, commandId, now);
}

async function toCommand(
  deps: Schedules,
  commandId: string,
  scheduleId: string,
  { verb, data }: ParsedScheduleCommand,
  now: string,
): Promise<ScheduleCommand | Refusal> {
  switch (verb) {
    case 'create':
      return toCreate(deps, commandId, scheduleId, data, now);
    case 'fire':
      return toFire(deps, commandId, scheduleId, data, now);
    case 'resume':
      return { type: verb, commandId };
    default: {
      const { reason } = data;
      return { type: verb, commandId, ...(reason === undefined ? {} : { reason }) };
    }
  }
}

async function toCreate(
  deps: Schedules,
  commandId: string,
  scheduleId: string,
  data: ScheduleCommandData<'create'>,
  now: string,
): Promise<ScheduleCommand | Refusal> {
  const { trigger, directive, catchUp } = data;
  const fault = trigger.kind === 'cron' ? faultOfClockwork(trigger, now) : undefined;
  if (fault !== undefined) {
    return { refused: 'invalid_schedule', message: fault.message, details: { issues: [fault] } };
  }
  const refusal = refuseDirective(data);
  if (refusal !== undefined) return refusal;
  const overlap = data.overlap ?? (trigger.kind === 'cron' ? 'skip' : 'allow');
  const spec = { name: data.name ?? directive.title, overlap, catchUp, directive };
  const digest = Buffer.from(sha256(canonicalJson({ ...spec, trigger }))).toString('hex');
  const stream = trigger.kind === 'subject' ? await deps.bus.streamOf(trigger.subject) : undefined;
  const stored = {
    ...spec,
    trigger: stream === undefined ? trigger : { ...trigger, stream },
    contentDigest: `sha256:${digest}`,
  } as ScheduleEventData<'ScheduleCreated'>;
  return { type: 'create', commandId, scheduleId, spec: stored };
}

/** Asks at the door as a create does: one by hand is told to come again. */
async function toFire(
  deps: Schedules,
  commandId: string,
  scheduleId: string,
  { event = '' }: ScheduleCommandData<'fire'>,
  now: string,
): Promise<ScheduleCommand | Refusal> {
  const { state } = await deps.schedules.load(streamOf.schedule(scheduleId));
  const spec = state.status === 'absent' ? undefined : state.spec;
  const isRepeated = state.status !== 'absent' && state.answers.get(commandId) !== undefined;
  const full = isRepeated ? undefined : await deps.planner.admission.enter(1);
  if (full !== undefined) return full;
  const variables = spec === undefined ? {} : variablesOf(spec.trigger, event, now);
  const problem = spec === undefined ? undefined : problemWith(spec, variables);
  const occurrence = { by: 'hand', scheduledFor: now, key: commandId, variables } as const;
  const asked = { occurrence, ...(problem === undefined ? {} : { problem }) };
  return { type: 'fire', commandId, asked };
}

function answer(schedule: Schedule, commandId: string, now: string): ScheduleAnswer {
  const first = schedule.answers.get(commandId);
  if (first === undefined) throw new Error(`command ${commandId} left no answer in its schedule`);
  const { version, position, directiveId } = first;
  const { status, spec, id: scheduleId } = schedule;
  const next = status === 'active' ? nextTimes(spec.trigger, now, NEXT_SHOWN) : [];
  return {
    ...{ ok: true, scheduleId, version, position, next },
    ...(directiveId === undefined ? {} : { directiveId }),
  };
}

function refusedAnswer({ refused, message, details }: Refusal): ScheduleAnswer {
  return { ok: false, error: { code: refused, message, details } };
}
