/**
 * What the reactions about schedules share. Owns that a firing becomes a directive by the ordinary
 * command, right after the commit that fires it; what a process dies over is made whole by
 * `tick-schedules.ts`.
 */
import {
  isRefusal,
  streamOf,
  subjects,
  type Actor,
  type EventMetadata,
  type RecordedEvent,
  type Refusal,
  type ScheduleEvent,
  type ScheduleEventData,
} from '@writ/contracts';
import { isFinal, type Schedule, type ScheduleCommand, type ScheduleState } from '@writ/domain';
import type { Aggregates, EventLog } from '@writ/event-log';
import type { Bus } from '@writ/messaging';
import type { Logger, MetricsOf } from '@writ/observability';
import { decideCommand } from '../decide-command';
import type { Planner } from '../planner';
import type { ScheduleRows } from '../projections/schedule-rows';
import { createData } from './check-directive';
import type { HeardSubjects } from './hear-subjects';

export interface Schedules {
  /** It makes the directives. */
  readonly planner: Planner;
  readonly schedules: Aggregates<ScheduleState, ScheduleCommand, ScheduleEvent>;
  readonly rows: Pick<ScheduleRows, 'list' | 'toWatch' | 'now'>;
  readonly log: EventLog;
  readonly bus: Bus;
  readonly subjects: HeardSubjects;
  readonly logger: Logger;
  readonly metrics: MetricsOf<'schedules'>;
  /** To be looked at soon: a schedule that the read model may not have yet. */
  readonly touched: (scheduleId: string) => void;
}

/** The injection token of `Schedules`. */
export const SCHEDULES = Symbol('schedules');

export const actorOf = (scheduleId: string): Actor => ({
  kind: 'service',
  id: `schedule:${scheduleId}`,
});

export interface DecidedSchedule {
  readonly schedule: Schedule;
  readonly events: readonly RecordedEvent[];
}

/** Decides, records, and makes the directives that were fired. */
export async function decideSchedule(
  deps: Schedules,
  scheduleId: string,
  command: ScheduleCommand,
  metadata: Omit<EventMetadata, 'correlationId'>,
): Promise<DecidedSchedule | Refusal> {
  const about = { ...metadata, correlationId: scheduleId };
  const handled = await deps.schedules.handle(streamOf.schedule(scheduleId), command, about);
  if (isRefusal(handled)) return handled;
  for (const event of handled.events) {
    count(deps, event);
    if (event.type === 'ScheduleFired') await makeDirective(deps, scheduleId, event);
  }
  return { schedule: handled.state as Schedule, events: handled.events };
}

/** By its ordinary command, whose id follows from the firing: again it makes nothing more. */
export async function makeDirective(
  deps: Schedules,
  scheduleId: string,
  event: RecordedEvent,
): Promise<void> {
  const { commandId, directiveId, variables } = event.data as ScheduleEventData<'ScheduleFired'>;
  const { state } = await deps.schedules.load(streamOf.schedule(scheduleId));
  if (state.status === 'absent')
    throw new Error(`schedule ${scheduleId} has fired and is not there`);
  const data = createData(state.spec, directiveId, variables);
  deps.planner.admission.letIn(1); // whether there is room was asked before it fired
  const answer = await decideCommand(deps.planner, {
    subject: subjects.command('create'),
    data: { verb: 'create', data },
    attributes: {
      id: commandId,
      type: 'writ.command.directive.create',
      source: '/writ/planner',
      subject: directiveId,
      commandId,
      causationId: event.id,
      actor: actorOf(scheduleId),
    },
    deliveryCount: 1,
    signal: new AbortController().signal,
  });
  if (answer.ok) return;
  const { code, message } = answer.error;
  deps.logger.error({ scheduleId, directiveId, code }, message);
  const refused = { type: 'note-refused', directiveId, code, message } as const;
  const cause = { commandId: `refused-${directiveId}`, causationId: event.id };
  await decideSchedule(deps, scheduleId, refused, { ...cause, actor: actorOf(scheduleId) });
}

/** Whether the directive of the last firing has ended: what `overlap` asks. */
export async function endedOf(deps: Schedules, { firings, spec }: Schedule): Promise<Set<string>> {
  const last = firings.at(-1)?.directiveId;
  if (last === undefined || spec.overlap === 'allow') return new Set();
  const { state } = await deps.planner.directives.load(streamOf.directive(last));
  return new Set(state.status !== 'absent' && isFinal(state.status) ? [last] : []);
}

function count({ metrics }: Schedules, event: RecordedEvent): void {
  const { type, data, recordedAt } = event as unknown as ScheduleEvent & RecordedEvent;
  if (type === 'ScheduleSkipped') metrics.scheduleOccurrences.inc({ outcome: data.reason });
  if (type === 'ScheduleBuffered') metrics.scheduleOccurrences.inc({ outcome: 'buffered' });
  if (type !== 'ScheduleFired') return;
  metrics.scheduleOccurrences.inc({ outcome: 'fired' });
  const lagMs = Date.parse(recordedAt) - Date.parse(data.scheduledFor);
  if (data.by === 'cron') metrics.scheduleLag.observe(Math.max(0, lagMs) / 1000);
}
