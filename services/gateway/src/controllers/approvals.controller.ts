import { Body, Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { type approvalVerbs, directiveIdOf, queries } from '@writ/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';

import { Backend } from '../backend';
import { personOf } from '../http/access';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { Problem } from '../http/problem';
import { checked, named, Serves } from '../http/serves';
import { traceparentOf } from '../http/trace-header';
import { composeReview } from '../review/compose-review';
import { REVIEW_POLICY, reviewHtml } from '../review/review-html';
import { reviewMarkdown } from '../review/review-markdown';
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

  @Serves(routes.reviewApproval)
  async review(
    @Req() request: IncomingMessage,
    @Param(named(routes.reviewApproval.params)) { id }: Id,
    @Query(checked(routes.reviewApproval.query)) _: object,
    @Res({ passthrough: true }) response: ServerResponse,
  ) {
    const review = await composeReview(this.backend, id);
    const accept = request.headers.accept ?? '';
    if (accept.includes('text/html')) {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.setHeader('Content-Security-Policy', `${REVIEW_POLICY}; frame-ancestors 'none'`);
      return reviewHtml(review);
    }
    if (!accept.includes('text/markdown')) return review;
    response.setHeader('Content-Type', 'text/markdown; charset=utf-8');
    return reviewMarkdown(review);
  }

  @Serves(routes.decideApproval)
  async decide(
    @Req() request: IncomingMessage,
    @Param(named(routes.decideApproval.params)) { id }: Id,
    @Body(checked(routes.decideApproval.body))
    { decision, ticks, edits, ...body }: z.infer<typeof routes.decideApproval.body>,
  ) {
    if (decision !== 'approve' && (ticks !== undefined || edits !== undefined)) {
      throw new Problem('malformed', 'only who approves ticks and edits');
    }
    const { commandId, position } =
      decision === 'approve'
        ? await this.tell('approve', request, id, { ...body, ...given({ ticks, edits }) })
        : await this.tell('deny', request, id, { ...body, rework: decision === 'rework' });
    return { approvalId: id, decision, commandId, position };
  }

  @Serves(routes.askAboutApproval)
  async ask(
    @Req() request: IncomingMessage,
    @Param(named(routes.askAboutApproval.params)) { id }: Id,
    @Body(checked(routes.askAboutApproval.body))
    body: z.infer<typeof routes.askAboutApproval.body>,
  ) {
    const { commandId, position } = await this.tell('ask', request, id, body);
    return { approvalId: id, commandId, position };
  }

  @Serves(routes.answerApproval)
  async answer(
    @Req() request: IncomingMessage,
    @Param(named(routes.answerApproval.params)) { id }: Id,
    @Body(checked(routes.answerApproval.body))
    body: z.infer<typeof routes.answerApproval.body>,
  ) {
    const { commandId, position } = await this.tell('answer', request, id, given(body));
    return { approvalId: id, commandId, position };
  }

  private tell(
    verb: (typeof approvalVerbs)[number],
    request: IncomingMessage,
    id: string,
    data: object,
  ) {
    return this.backend.command({
      verb,
      data: { directiveId: directiveIdOf(id), approvalId: id, ...data },
      idempotencyKey: idempotencyKeyOf(request),
      traceparent: traceparentOf(request),
      person: personOf(request),
    });
  }
}

/** Without what was not said. */
const given = (members: object): object =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
