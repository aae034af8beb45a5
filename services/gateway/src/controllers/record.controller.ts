/** What the record answers: why, what was, where two part, and what another policy would have done. */
import { Body, Controller, Inject, Param, Query, Req } from '@nestjs/common';
import { type Because, momentOf, queries, RunId, type Why } from '@writ/contracts';
import { QueryError, TimeoutError } from '@writ/messaging';
import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';

import { Backend } from '../backend';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { checked, named, Serves } from '../http/serves';
import { routes } from '../routes';

type Id = { id: string };

/** Whoever asks why something stands still does not wait long for one who is away. */
const EXECUTOR_LIMIT_MS = 1_500;

@Controller()
export class RecordController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  @Serves(routes.why)
  async why(
    @Param(named(routes.why.params)) { id }: Id,
    @Query(checked(routes.why.query)) { of = id }: z.infer<typeof routes.why.query>,
  ): Promise<Why> {
    if (!of.startsWith(id)) {
      throw new QueryError('not_found', `${of} does not belong to directive ${id}`);
    }
    const asked = this.backend.query(queries.why, { id: of }) as Promise<Why>;
    if (!RunId.safeParse(of).success) return asked;
    const [why, more] = await Promise.all([asked, this.executorsSay(of)]);
    return { ...why, because: [...why.because, ...more] };
  }

  @Serves(routes.state)
  state(
    @Param(named(routes.state.params)) { id }: Id,
    @Query(checked(routes.state.query)) { at }: z.infer<typeof routes.state.query>,
  ) {
    return this.backend.query(queries.state, { id, at: momentOf(at) });
  }

  @Serves(routes.diff)
  diff(@Query(checked(routes.diff.query)) { a, b }: z.infer<typeof routes.diff.query>) {
    return this.backend.query(queries.diff, { a: sideOf(a), b: sideOf(b) });
  }

  @Serves(routes.backtest)
  backtest(
    @Req() request: IncomingMessage,
    @Body(checked(routes.backtest.body)) body: z.infer<typeof routes.backtest.body>,
  ) {
    idempotencyKeyOf(request);
    return this.backend.query(queries.backtest, body);
  }

  /** Of a run; a step may have a name like one, so that there is none says nothing. */
  private async executorsSay(runId: string): Promise<Because[]> {
    try {
      const options = { timeoutMs: EXECUTOR_LIMIT_MS };
      const said = await this.backend.query(queries.whyRun, { runId }, options);
      return (said as Why).because;
    } catch (error) {
      if (error instanceof QueryError && error.code === 'not_found') return [];
      if (!(error instanceof QueryError || error instanceof TimeoutError)) throw error;
      const text = 'no executor answers, so what it knows of the run is missing here';
      return [{ kind: 'no_answer', text, since: null, unblock: 'writ doctor' }];
    }
  }
}

function sideOf(text: string) {
  const [id = '', at] = text.split('@');
  return at === undefined ? { id } : { id, at: momentOf(at) };
}
