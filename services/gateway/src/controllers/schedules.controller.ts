import { Body, Controller, Inject, Param, Query, Req } from '@nestjs/common';
import { checkDirectiveFile, queries, type ScheduleVerb } from '@writ/contracts';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';

import { Backend } from '../backend';
import { personOf } from '../http/access';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { Problem } from '../http/problem';
import { checked, named, Serves } from '../http/serves';
import { traceparentOf } from '../http/trace-header';
import { routes } from '../routes';

type Id = { id: string };

@Controller()
export class SchedulesController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  @Serves(routes.createSchedule)
  create(
    @Req() request: IncomingMessage,
    @Body(checked(routes.createSchedule.body)) body: z.infer<typeof routes.createSchedule.body>,
  ) {
    const file = checkDirectiveFile(body.directive);
    if (!('issues' in file)) return this.tell(request, 'create', body);
    const [first] = file.issues;
    const more = file.issues.length > 1 ? ` (and ${file.issues.length - 1} more)` : '';
    const message = `${first?.path}: ${first?.message}${more}`;
    throw new Problem('invalid_directive', message, { issues: file.issues });
  }

  @Serves(routes.commandSchedule)
  command(
    @Req() request: IncomingMessage,
    @Param(named(routes.commandSchedule.params)) { id }: Id,
    @Body(checked(routes.commandSchedule.body))
    { verb, reason, event }: z.infer<typeof routes.commandSchedule.body>,
  ) {
    if (reason !== undefined && verb !== 'pause' && verb !== 'remove') {
      throw new Problem('malformed', `"${verb}" takes no reason; only pause and remove do`);
    }
    if (event !== undefined && verb !== 'fire') {
      throw new Problem('malformed', `"${verb}" takes no event; only fire does`);
    }
    const more = { ...(reason === undefined ? {} : { reason }) };
    const data = { scheduleId: id, ...more, ...(event === undefined ? {} : { event }) };
    return this.tell(request, verb, data);
  }

  @Serves(routes.listSchedules)
  list(@Query(checked(routes.listSchedules.query)) query: object) {
    return this.backend.query(queries.schedules, query);
  }

  @Serves(routes.schedule)
  show(
    @Param(named(routes.schedule.params)) { id }: Id,
    @Query(checked(routes.schedule.query)) _: object,
  ) {
    return this.backend.query(queries.schedule, { id });
  }

  private tell(request: IncomingMessage, verb: ScheduleVerb, data: object) {
    return this.backend.scheduleCommand({
      ...{ verb, data },
      idempotencyKey: idempotencyKeyOf(request),
      traceparent: traceparentOf(request),
      person: personOf(request),
    });
  }
}
