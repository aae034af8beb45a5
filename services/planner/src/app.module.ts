/** The planner as a Nest application: its subscriptions, and what shows that it works. */
import { Module, type DynamicModule } from '@nestjs/common';
import { ObservabilityModule, type ReadinessCheck, type Registry } from '@writ/observability';
import { PLANNER, type Planner } from './planner';
import { RULES, type Rules } from './rules/rules';
import { RuleSubscriptions } from './rules/subscriptions';
import { SCHEDULES, type Schedules } from './schedules/schedules';
import { ScheduleSubscriptions } from './schedules/subscriptions';
import { PlannerSubscriptions } from './subscriptions';

@Module({})
export class PlannerModule {
  static forRoot(
    planner: Planner,
    schedules: Schedules,
    rules: Rules,
    registry: Registry,
    checks: Readonly<Record<string, ReadinessCheck>>,
  ): DynamicModule {
    return {
      module: PlannerModule,
      imports: [ObservabilityModule.forRoot({ service: 'planner', registry, checks })],
      controllers: [PlannerSubscriptions, ScheduleSubscriptions, RuleSubscriptions],
      providers: [
        { provide: PLANNER, useValue: planner },
        { provide: SCHEDULES, useValue: schedules },
        { provide: RULES, useValue: rules },
      ],
    };
  }
}
