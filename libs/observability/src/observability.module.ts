/**
 * What every process of Writ shows over HTTP: `/healthz`, `/readyz`, `/metrics`, and the metrics of
 * its own requests. Checks may be given at once, or added later to the injected `Readiness`.
 */
import {
  type DynamicModule,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
} from '@nestjs/common';
import { Registry } from 'prom-client';
import { HealthController, SERVICE } from './health.controller';
import { httpMetrics } from './http-metrics';
import { metricsOf } from './metrics';
import { Readiness, type ReadinessCheck } from './readiness';
import { beforeScrape } from './scrape';

export interface ObservabilityOptions {
  service: string;
  registry: Registry;
  checks?: Readonly<Record<string, ReadinessCheck>>;
}

@Module({})
export class ObservabilityModule implements NestModule {
  static forRoot({ service, registry, checks }: ObservabilityOptions): DynamicModule {
    const readiness = new Readiness(checks);
    const { ready } = metricsOf(registry, 'health');
    beforeScrape(registry, async () => {
      for (const [check, answer] of Object.entries((await readiness.report()).checks)) {
        ready.set({ check }, answer.ok ? 1 : 0);
      }
    });
    return {
      module: ObservabilityModule,
      global: true,
      controllers: [HealthController],
      providers: [
        { provide: SERVICE, useValue: service },
        { provide: Registry, useValue: registry },
        { provide: Readiness, useValue: readiness },
      ],
      exports: [Registry, Readiness],
    };
  }

  constructor(@Inject(Registry) private readonly registry: Registry) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(httpMetrics(this.registry)).forRoutes('{*path}');
  }
}
