import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { queries } from '@writ/contracts';
import { type Bus, DeadLetters } from '@writ/messaging';
import { type Logger, metricsOf, ObservabilityModule, type Registry } from '@writ/observability';

import { Backend, type Measure } from './backend';
import { ApprovalsController } from './controllers/approvals.controller';
import { ArtifactsController } from './controllers/artifacts.controller';
import { DeadLettersController } from './controllers/dead-letters.controller';
import { DirectivesController } from './controllers/directives.controller';
import { DocumentsController } from './controllers/documents.controller';
import { EventsController } from './controllers/events.controller';
import { MetricsController } from './controllers/metrics.controller';
import { PageController } from './controllers/page.controller';
import { PlansController } from './controllers/plans.controller';
import { RecordController } from './controllers/record.controller';
import { RulesController } from './controllers/rules.controller';
import { RunsController } from './controllers/runs.controller';
import { SchedulesController } from './controllers/schedules.controller';
import { UpkeepController } from './controllers/upkeep.controller';
import { EventFeed, type EventPage } from './event-feed';
import type { Door } from './http/door';
import { ProblemFilter } from './http/problem-filter';
import { OpenStreams } from './open-streams';

export interface GatewayParts {
  readonly bus: Bus;
  readonly deadLetters: DeadLetters;
  readonly logger: Logger;
  readonly registry: Registry;
}

@Module({})
export class AppModule {
  static of({ bus, deadLetters, logger, registry }: GatewayParts, door: Door): DynamicModule {
    const metrics = metricsOf(registry, 'gateway');
    const measure: Measure = (kind, outcome, seconds) =>
      metrics.askSeconds.observe({ kind, outcome }, seconds);
    const backend = new Backend(bus, measure, door);
    const streams = new OpenStreams({
      open: (count) => metrics.feeds.set(count),
      sent: () => metrics.feedEvents.inc(),
    });
    const feed = new EventFeed(
      (question) => backend.query(queries.events, question) as Promise<EventPage>,
      (rang) => bus.listen('writ.event.>', (_, __, attributes) => rang(attributes?.position)),
      { onError: (err) => logger.warn({ err }, 'the feed could not read the log; it tries again') },
    );
    return {
      module: AppModule,
      imports: [
        ObservabilityModule.forRoot({
          service: 'gateway',
          registry,
          checks: { bus: () => bus.health() },
        }),
      ],
      controllers: [
        DirectivesController,
        RecordController,
        ApprovalsController,
        PlansController,
        SchedulesController,
        RulesController,
        EventsController,
        RunsController,
        ArtifactsController,
        MetricsController,
        UpkeepController,
        DeadLettersController,
        DocumentsController,
        PageController,
      ],
      providers: [
        { provide: Backend, useValue: backend },
        { provide: EventFeed, useValue: feed },
        { provide: OpenStreams, useValue: streams },
        { provide: DeadLetters, useValue: deadLetters },
        { provide: APP_FILTER, useValue: new ProblemFilter(logger) },
      ],
    };
  }
}
