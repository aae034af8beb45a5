/** What is computed from the record when somebody asks: figures, and what a rollback would mean. */
import { Controller, Inject, Param, Query } from '@nestjs/common';
import { queries } from '@writ/contracts';

import { Backend } from '../backend';
import { checked, named, Serves } from '../http/serves';
import { routes } from '../routes';

type Id = { id: string };

@Controller()
export class MetricsController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  @Serves(routes.directiveMetrics)
  directive(
    @Param(named(routes.directiveMetrics.params)) { id }: Id,
    @Query(checked(routes.directiveMetrics.query)) _: object,
  ): Promise<unknown> {
    return this.backend.query(queries.directiveMetrics, { id });
  }

  @Serves(routes.runMetrics)
  run(
    @Param(named(routes.runMetrics.params)) { id }: Id,
    @Query(checked(routes.runMetrics.query)) _: object,
  ): Promise<unknown> {
    return this.backend.query(queries.runMetrics, { id });
  }

  @Serves(routes.rollbackAdvisory)
  rollback(
    @Param(named(routes.rollbackAdvisory.params)) { id }: Id,
    @Query(checked(routes.rollbackAdvisory.query)) { step }: { step: string },
  ): Promise<unknown> {
    return this.backend.query(queries.rollbackAdvisory, { id, step });
  }
}
