/** The planner as a Nest application: its subscriptions, and what shows that it works. */
import { Module, type DynamicModule } from '@nestjs/common';
import { ObservabilityModule, type ReadinessCheck, type Registry } from '@writ/observability';
import { PLANNER, type Planner } from './planner';
import { PlannerSubscriptions } from './subscriptions';

@Module({})
export class PlannerModule {
  static forRoot(
    planner: Planner,
    registry: Registry,
    checks: Readonly<Record<string, ReadinessCheck>>,
  ): DynamicModule {
    return {
      module: PlannerModule,
      imports: [ObservabilityModule.forRoot({ service: 'planner', registry, checks })],
      controllers: [PlannerSubscriptions],
      providers: [{ provide: PLANNER, useValue: planner }],
    };
  }
}
