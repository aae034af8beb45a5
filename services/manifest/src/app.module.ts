/** The manifest service as a Nest application: its subscriptions, and what shows that it works. */
import { Module, type DynamicModule } from '@nestjs/common';
import { ObservabilityModule, type ReadinessCheck, type Registry } from '@writ/observability';
import { KEEPER, type Keeper } from './keeper';
import { ManifestSubscriptions } from './subscriptions';

@Module({})
export class ManifestModule {
  static forRoot(
    keeper: Keeper,
    registry: Registry,
    checks: Readonly<Record<string, ReadinessCheck>>,
  ): DynamicModule {
    return {
      module: ManifestModule,
      imports: [ObservabilityModule.forRoot({ service: 'manifest', registry, checks })],
      controllers: [ManifestSubscriptions],
      providers: [{ provide: KEEPER, useValue: keeper }],
    };
  }
}
