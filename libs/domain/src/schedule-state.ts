/** What a schedule is at a point of its stream: folded from its events, nothing else. */
import type {
  Occurrence,
  RecordedEvent,
  ScheduleEvent,
  ScheduleEventData,
  ScheduleStatus,
  ScheduleVerb,
} from '@writ/contracts';
import { Recent } from './recent';

/** So many firings are shown, and looked after when a planner died over one. */
const FIRINGS_KEPT = 100;

export interface Firing {
  readonly by: Occurrence['by'];
  readonly scheduledFor: string;
  readonly directiveId: string;
  readonly at: string;
  /** Of `ScheduleFired`, which holds the rest. */
  readonly version: number;
  readonly refused?: string;
}

export interface ScheduleAnswered {
  readonly verb: ScheduleVerb;
  readonly version: number;
  readonly position: number;
  readonly directiveId?: string;
}

export interface Schedule {
  readonly status: ScheduleStatus;
  readonly reason: string | null;
  readonly id: string;
  readonly spec: ScheduleEventData<'ScheduleCreated'>;
  /** Times of the expression up to here are dealt with. */
  readonly upTo: string;
  /** Waits for the end of the last directive. */
  readonly waiting: Occurrence | null;
  readonly firings: readonly Firing[];
  readonly fired: number;
  readonly skipped: number;
  readonly lastSkipped:
    (Omit<ScheduleEventData<'ScheduleSkipped'>, 'key'> & { readonly at: string }) | null;
  /** Messages that were dealt with: by key, when. */
  readonly heard: Recent<string>;
  /** Commands of people, by their ids. */
  readonly answers: Recent<ScheduleAnswered>;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly version: number;
  readonly position: number;
}

export type ScheduleState = { readonly status: 'absent' } | Schedule;

export function evolveSchedule(state: ScheduleState, recorded: RecordedEvent): Schedule {
  const event = recorded as unknown as ScheduleEvent;
  const { version, position } = recorded;
  const next =
    event.type === 'ScheduleCreated'
      ? created(recorded, event.data)
      : apply(existing(state, recorded), event, recorded);
  return { ...next, version, position, answers: remember(next.answers, event, recorded) };
}

function existing(state: ScheduleState, recorded: RecordedEvent): Schedule {
  if (state.status !== 'absent') return state;
  throw new Error(`${recorded.stream} begins with ${recorded.type}, not with ScheduleCreated`);
}

function created(recorded: RecordedEvent, spec: ScheduleEventData<'ScheduleCreated'>): Schedule {
  const { recordedAt, stream, metadata, version, position } = recorded;
  return {
    status: 'active',
    reason: null,
    id: stream.slice(stream.indexOf('-') + 1),
    spec,
    upTo: recordedAt,
    waiting: null,
    firings: [],
    fired: 0,
    skipped: 0,
    lastSkipped: null,
    heard: Recent.empty(),
    answers: Recent.empty(),
    createdAt: recordedAt,
    createdBy: metadata.actor.id,
    version,
    position,
  };
}

function apply(state: Schedule, event: ScheduleEvent, recorded: RecordedEvent): Schedule {
  const { recordedAt: at, version } = recorded;
  switch (event.type) {
    case 'ScheduleCreated':
      throw new Error(`schedule ${state.id} is created twice`);
    case 'SchedulePaused':
      return { ...state, status: 'paused', reason: event.data.reason ?? null };
    case 'ScheduleResumed':
      // What passed meanwhile was not missed: it was not wanted.
      return { ...state, status: 'active', reason: null, upTo: at };
    case 'ScheduleRemoved':
      return { ...state, status: 'removed', reason: event.data.reason ?? null, waiting: null };
    case 'ScheduleFired': {
      const { by, scheduledFor, key, directiveId } = event.data;
      const firing = { by, scheduledFor, directiveId, at, version };
      const firings = [...state.firings.slice(1 - FIRINGS_KEPT), firing];
      const waiting = state.waiting?.key === key ? null : state.waiting;
      return { ...dealtWith(state, event.data), firings, waiting, fired: state.fired + 1 };
    }
    case 'ScheduleBuffered':
      return { ...dealtWith(state, event.data), waiting: event.data };
    case 'ScheduleSkipped': {
      const { key: _, ...skip } = event.data;
      const skipped = state.skipped + 1;
      return { ...dealtWith(state, event.data), skipped, lastSkipped: { ...skip, at } };
    }
    case 'ScheduleDirectiveRefused': {
      const { directiveId, message } = event.data;
      const firings = state.firings.map((firing) =>
        firing.directiveId === directiveId ? { ...firing, refused: message } : firing,
      );
      return { ...state, firings };
    }
  }
}

type Dealt = Pick<Occurrence, 'by' | 'scheduledFor' | 'key'>;

function dealtWith(state: Schedule, { by, scheduledFor, key }: Dealt): Schedule {
  if (by === 'subject') return { ...state, heard: state.heard.with(key, scheduledFor) };
  if (by === 'hand' || isBefore(scheduledFor, state.upTo)) return state;
  return { ...state, upTo: scheduledFor };
}

export const isBefore = (one: string, other: string) => Date.parse(one) < Date.parse(other);

const verbOf: Readonly<Partial<Record<ScheduleEvent['type'], ScheduleVerb>>> = {
  ScheduleCreated: 'create',
  SchedulePaused: 'pause',
  ScheduleResumed: 'resume',
  ScheduleRemoved: 'remove',
};

function remember(
  answers: Schedule['answers'],
  event: ScheduleEvent,
  { metadata, version, position }: RecordedEvent,
): Schedule['answers'] {
  const { commandId } = metadata;
  if (event.type === 'ScheduleFired' && event.data.by === 'hand') {
    const { directiveId } = event.data;
    return answers.with(commandId, { verb: 'fire', version, position, directiveId });
  }
  const verb = verbOf[event.type];
  return verb === undefined ? answers : answers.with(commandId, { verb, version, position });
}
