import { Body, Controller, Inject, Param, Query, Req } from '@nestjs/common';
import { queries, type RuleVerb } from '@writ/contracts';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';

import { Backend } from '../backend';
import { personOf } from '../http/access';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { Problem } from '../http/problem';
import { checked, named, Serves } from '../http/serves';
import { traceparentOf } from '../http/trace-header';
import { ruleRoutes as routes } from '../rule-routes';

type Name = { name: string };

@Controller()
export class RulesController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  @Serves(routes.createRule)
  create(
    @Req() request: IncomingMessage,
    @Body(checked(routes.createRule.body)) body: z.infer<typeof routes.createRule.body>,
  ) {
    return this.tell(request, 'create', body);
  }

  @Serves(routes.commandRule)
  command(
    @Req() request: IncomingMessage,
    @Param(named(routes.commandRule.params)) { name }: Name,
    @Body(checked(routes.commandRule.body))
    { verb, reason }: z.infer<typeof routes.commandRule.body>,
  ) {
    if (reason !== undefined && verb !== 'revoke') {
      throw new Problem('malformed', `"${verb}" takes no reason; only revoke does`);
    }
    return this.tell(request, verb, { name, ...(reason === undefined ? {} : { reason }) });
  }

  @Serves(routes.listRules)
  list(@Query(checked(routes.listRules.query)) query: object) {
    return this.backend.query(queries.rules, query);
  }

  @Serves(routes.rule)
  show(
    @Param(named(routes.rule.params)) { name }: Name,
    @Query(checked(routes.rule.query)) _: object,
  ) {
    return this.backend.query(queries.rule, { name });
  }

  private tell(request: IncomingMessage, verb: RuleVerb, data: Name) {
    return this.backend.ruleCommand({
      ...{ verb, data },
      idempotencyKey: idempotencyKeyOf(request),
      traceparent: traceparentOf(request),
      person: personOf(request),
    });
  }
}
