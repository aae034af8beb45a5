/** The planner's part in schedules at a glance: what it hears and answers. */
import { Controller, Inject } from '@nestjs/common';
import { consumers, queries } from '@writ/contracts';
import { Answers, Hears } from '@writ/messaging';
import type { Incoming } from '@writ/messaging';
import { answerSchedule, answerSchedules } from './answer-schedule-queries';
import { decideScheduleCommand, parseScheduleCommand } from './decide-schedule-command';
import type { ParsedScheduleCommand } from './decide-schedule-command';
import { SCHEDULES } from './schedules';
import type { Schedules } from './schedules';

@Controller()
export class ScheduleSubscriptions {
  constructor(@Inject(SCHEDULES) private readonly schedules: Schedules) {}

  @Hears(consumers.plannerSchedules, { parse: parseScheduleCommand, concurrency: 16 })
  command(message: Incoming<ParsedScheduleCommand>): Promise<unknown> {
    return decideScheduleCommand(this.schedules, message);
  }

  @Answers(queries.schedule.service, queries.schedule.name)
  schedule(question: unknown): Promise<unknown> {
    return answerSchedule(this.schedules, question);
  }

  @Answers(queries.schedules.service, queries.schedules.name)
  all(question: unknown): Promise<unknown> {
    return answerSchedules(this.schedules, question);
  }
}
