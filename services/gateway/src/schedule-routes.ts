/** What there is over HTTP about schedules. */
import {
  Reason,
  ScheduleDocument,
  ScheduleId,
  ScheduleStatus,
  ScheduleSummary,
  scheduleCommands,
  scheduleVerbs,
} from '@writ/contracts';
import { z } from 'zod';

import { AcceptedSchedule, CreateScheduleBody } from './http-documents';
import { json, limit, nothing, type Route } from './route';

const scheduleId = z.strictObject({ id: ScheduleId });

export const scheduleRoutes = {
  createSchedule: {
    method: 'post',
    path: '/v1/schedules',
    summary: 'Makes a directive again and again, by a cron expression or a subject of NATS',
    params: nothing,
    body: CreateScheduleBody.extend({ directive: z.unknown() }),
    idempotent: true,
    status: 202,
    answers: json(AcceptedSchedule),
    problems: [409, 413, 415, 422],
  },
  listSchedules: {
    method: 'get',
    path: '/v1/schedules',
    summary: 'Lists schedules, newest first; without a status those that are not removed',
    query: z.strictObject({ status: ScheduleStatus.optional(), limit: limit.optional() }),
    answers: json(z.array(ScheduleSummary)),
    problems: [],
  },
  schedule: {
    method: 'get',
    path: '/v1/schedules/{id}',
    summary: 'A schedule with its next times and its last firings',
    params: scheduleId,
    query: nothing,
    answers: json(ScheduleDocument),
    problems: [404],
  },
  commandSchedule: {
    method: 'post',
    path: '/v1/schedules/{id}/commands',
    summary: 'Tells a schedule what to do',
    params: scheduleId,
    body: z.strictObject({
      verb: z.enum(scheduleVerbs).exclude(['create']),
      reason: Reason.optional(),
      event: scheduleCommands.fire.shape.event,
    }),
    idempotent: true,
    status: 202,
    answers: json(AcceptedSchedule),
    problems: [404, 409, 413, 415, 422, 429],
  },
} as const satisfies Record<string, Route>;
