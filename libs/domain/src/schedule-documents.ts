/** A schedule as queries answer it. */
import type { ScheduleDocument, ScheduleSummary } from '@writ/contracts';
import type { Firing, Schedule } from './schedule-state';

export function scheduleSummary(state: Schedule): ScheduleSummary {
  const { id, status, reason, spec, createdAt, createdBy, fired, skipped, lastSkipped } = state;
  const { name, trigger, overlap, catchUp } = spec;
  const last = state.firings.at(-1);
  return {
    ...{ id, name, status, reason, trigger, overlap, catchUp, createdAt, createdBy },
    ...{ fired, skipped, lastSkipped },
    lastFired: last === undefined ? null : firingDocument(last),
    version: state.version,
    position: state.position,
  };
}

/** `now` is what only the planner knows: its next times, and where it is heard. */
export function scheduleDocument(
  state: Schedule,
  now: Pick<ScheduleDocument, 'next' | 'listening'>,
): ScheduleDocument {
  const { waiting, firings, spec } = state;
  return {
    ...scheduleSummary(state),
    directive: spec.directive,
    firings: firings.map(firingDocument),
    waiting: waiting === null ? null : { scheduledFor: waiting.scheduledFor },
    ...now,
  };
}

function firingDocument({ by, scheduledFor, directiveId, at, refused }: Firing) {
  return { by, scheduledFor, directiveId, at, ...(refused === undefined ? {} : { refused }) };
}
