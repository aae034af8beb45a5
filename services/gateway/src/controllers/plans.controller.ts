/** Looks at a plan; nothing is written anywhere. */
import { Body, Controller, Inject, Req } from '@nestjs/common';
import { queries } from '@writ/contracts';
import type { IncomingMessage } from 'node:http';

import { Backend } from '../backend';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { checked, Serves } from '../http/serves';
import { routes } from '../routes';

/** The planner waits for an executor meanwhile. */
const PLAN_LIMIT_MS = 20_000;

@Controller()
export class PlansController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  @Serves(routes.plan)
  plan(
    @Req() request: IncomingMessage,
    @Body(checked(routes.plan.body)) { directive }: { directive?: unknown },
  ): Promise<unknown> {
    idempotencyKeyOf(request);
    return this.backend.query(queries.plan, { directive }, { timeoutMs: PLAN_LIMIT_MS });
  }
}
