/** The verifier as a Nest application: its subscriptions, and what shows that it works. */
import { Module, type DynamicModule } from '@nestjs/common';
import { ObservabilityModule, type ReadinessCheck, type Registry } from '@writ/observability';
import { VerifierSubscriptions } from './subscriptions';
import { VERIFIER, type Verifier } from './verifier';

@Module({})
export class VerifierModule {
  static forRoot(
    verifier: Verifier,
    registry: Registry,
    checks: Readonly<Record<string, ReadinessCheck>>,
  ): DynamicModule {
    return {
      module: VerifierModule,
      imports: [ObservabilityModule.forRoot({ service: 'verifier', registry, checks })],
      controllers: [VerifierSubscriptions],
      providers: [{ provide: VERIFIER, useValue: verifier }],
    };
  }
}
