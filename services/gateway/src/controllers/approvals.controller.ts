import { Body, Controller, Inject, Param, Query, Req } from '@nestjs/common';
import { directiveIdOf, queries } from '@writ/contracts';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';

import { Backend } from '../backend';
import { personOf } from '../http/access';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { checked, named, Serves } from '../http/serves';
import { traceparentOf } from '../http/trace-header';
import { routes } from '../routes';

type Id = { id: string };

@Controller()
export class ApprovalsController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  @Serves(routes.listApprovals)
  list(
    @Query(checked(routes.listApprovals.query))
    { directive, ...query }: z.infer<typeof routes.listApprovals.query>,
  ) {
    const asked = directive === undefined ? query : { ...query, directiveId: directive };
    return this.backend.query(queries.approvals, asked);
  }

  @Serves(routes.approval)
  show(
    @Param(named(routes.approval.params)) { id }: Id,
    @Query(checked(routes.approval.query)) _: object,
  ) {
    return this.backend.query(queries.approval, { id });
  }

  @Serves(routes.decideApproval)
  async decide(
    @Req() request: IncomingMessage,
    @Param(named(routes.decideApproval.params)) { id }: Id,
    @Body(checked(routes.decideApproval.body))
    { decision, digest, comment }: z.infer<typeof routes.decideApproval.body>,
  ) {
    const about = {
      ...{ directiveId: directiveIdOf(id), approvalId: id, digest },
      ...(comment === undefined ? {} : { comment }),
    };
    const { commandId, position } = await this.backend.command({
      verb: decision === 'approve' ? decision : 'deny',
      data: decision === 'approve' ? about : { ...about, rework: decision === 'rework' },
      idempotencyKey: idempotencyKeyOf(request),
      traceparent: traceparentOf(request),
      person: personOf(request),
    });
    return { approvalId: id, decision, commandId, position };
  }
}
