import { Body, Controller, Inject, Param, Query, Req } from '@nestjs/common';
import { checkDirectiveFile, type DirectiveDocument, queries } from '@writ/contracts';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';

import { Backend } from '../backend';
import { chainDocument } from '../chain-document';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { personOf } from '../http/access';
import { Problem } from '../http/problem';
import { checked, named, Serves } from '../http/serves';
import { traceparentOf } from '../http/trace-header';
import { routes } from '../routes';

type Id = { id: string };

@Controller()
export class DirectivesController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  @Serves(routes.submitDirective)
  submit(
    @Req() request: IncomingMessage,
    @Body(checked(routes.submitDirective.body)) body: z.infer<typeof routes.submitDirective.body>,
  ) {
    const idempotencyKey = idempotencyKeyOf(request);
    const checkedFile = checkDirectiveFile(body.directive);
    if ('issues' in checkedFile) throw invalidDirective(checkedFile.issues);
    return this.backend.command({
      verb: 'create',
      data: body.start === undefined ? { directive: body.directive } : body,
      idempotencyKey,
      traceparent: traceparentOf(request),
      person: personOf(request),
    });
  }

  @Serves(routes.commandDirective)
  command(
    @Req() request: IncomingMessage,
    @Param(named(routes.commandDirective.params)) { id }: Id,
    @Body(checked(routes.commandDirective.body))
    { verb, ...order }: z.infer<typeof routes.commandDirective.body>,
  ) {
    return this.backend.command({
      verb,
      data: { directiveId: id, ...order },
      idempotencyKey: idempotencyKeyOf(request),
      traceparent: traceparentOf(request),
      person: personOf(request),
    });
  }

  @Serves(routes.forkDirective)
  fork(
    @Req() request: IncomingMessage,
    @Param(named(routes.forkDirective.params)) { id }: Id,
    @Body(checked(routes.forkDirective.body)) body: z.infer<typeof routes.forkDirective.body>,
  ) {
    return this.backend.command({
      verb: 'fork',
      data: { from: id, ...body },
      idempotencyKey: idempotencyKeyOf(request),
      traceparent: traceparentOf(request),
      person: personOf(request),
    });
  }

  @Serves(routes.listDirectives)
  list(@Query(checked(routes.listDirectives.query)) query: object) {
    return this.backend.query(queries.directives, query);
  }

  @Serves(routes.directive)
  show(
    @Param(named(routes.directive.params)) { id }: Id,
    @Query(checked(routes.directive.query)) _: object,
  ) {
    return this.backend.query(queries.directive, { id });
  }

  @Serves(routes.chain)
  async chain(
    @Param(named(routes.chain.params)) { id }: Id,
    @Query(checked(routes.chain.query)) _: object,
  ) {
    const directive = await this.backend.query(queries.directive, { id });
    return chainDocument(directive as DirectiveDocument);
  }
}

function invalidDirective(issues: { message: string; path: string }[]): Problem {
  const [first] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const place = first?.path === '' ? '' : `${first?.path}: `;
  return new Problem('invalid_directive', `${place}${first?.message}${more}`, { issues });
}
