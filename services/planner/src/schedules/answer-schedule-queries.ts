/** Answers about schedules: one from its stream, always current; the list from the read model. */
import { queries, streamOf } from '@writ/contracts';
import { scheduleDocument } from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Schedules } from './schedules';
import { nextTimes } from './times';

const NEXT_SHOWN = 5;

export async function answerSchedule(deps: Schedules, question: unknown): Promise<unknown> {
  const { id } = queries.schedule.schema.parse(question);
  const { state } = await deps.schedules.load(streamOf.schedule(id));
  if (state.status === 'absent') throw new QueryError('not_found', `there is no schedule ${id}`);
  const { status, spec } = state;
  const next =
    status === 'active' ? nextTimes(spec.trigger, await deps.rows.now(), NEXT_SHOWN) : [];
  return scheduleDocument(state, { next, listening: deps.subjects.whereOf(id) });
}

export async function answerSchedules(deps: Schedules, question: unknown): Promise<unknown> {
  return deps.rows.list(queries.schedules.schema.parse(question));
}
