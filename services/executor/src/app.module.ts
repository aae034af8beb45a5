/** The executor as a Nest application: its subscriptions, and what shows that it works. */
import { Module, type DynamicModule } from '@nestjs/common';
import { ObservabilityModule, type ReadinessCheck, type Registry } from '@writ/observability';
import { EXECUTOR, type Executor } from './executor';
import { executorSubscriptions, type Concurrency } from './subscriptions';

@Module({})
export class ExecutorModule {
  static forRoot(
    executor: Executor,
    concurrency: Concurrency,
    registry: Registry,
    checks: Readonly<Record<string, ReadinessCheck>>,
  ): DynamicModule {
    return {
      module: ExecutorModule,
      imports: [ObservabilityModule.forRoot({ service: 'executor', registry, checks })],
      controllers: [executorSubscriptions(concurrency)],
      providers: [{ provide: EXECUTOR, useValue: executor }],
    };
  }
}
