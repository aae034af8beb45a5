/** Long work on the whole system, told line by line. */
import { Body, Controller, Inject, Req, Res } from '@nestjs/common';
import { queries, rebuildQuery, type RebuildReport } from '@writ/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { Backend } from '../backend';
import { idempotencyKeyOf } from '../http/idempotency-key';
import { sendProgressLines } from '../http/progress-lines';
import { checked, Serves } from '../http/serves';
import { routes } from '../routes';

const REBUILDING = ['planner', 'executor', 'verifier', 'manifest'] as const;
/** Between two signs of progress. */
const SILENCE_LIMIT_MS = 60_000;

@Controller()
export class UpkeepController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  @Serves(routes.rebuild)
  async rebuild(
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
    @Body(checked(routes.rebuild.body)) { check }: { check: boolean },
  ): Promise<void> {
    idempotencyKeyOf(request);
    await sendProgressLines(response, async (progress) => {
      const start = performance.now();
      // Side by side: while the one waits for the database the other reads what it was given.
      const working = REBUILDING.map((service) => {
        const onProgress = (state: unknown) => progress({ service, state });
        const options = { timeoutMs: SILENCE_LIMIT_MS, onProgress };
        return this.backend.query(rebuildQuery(service), { check }, options);
      });
      await Promise.allSettled(working); // nothing is told after the end, also when one fails
      const reports = (await Promise.all(working)) as RebuildReport[];
      return {
        events: Math.max(...reports.map((report) => report.events)),
        seconds: Math.round(performance.now() - start) / 1000,
        projections: reports.flatMap((report) => report.projections),
      } satisfies RebuildReport;
    });
  }

  @Serves(routes.verifyLog)
  async verifyLog(
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
    @Body(checked(routes.verifyLog.body)) _: object,
  ): Promise<void> {
    idempotencyKeyOf(request);
    await sendProgressLines(response, (onProgress) =>
      this.backend.query(queries.verifyLog, {}, { timeoutMs: SILENCE_LIMIT_MS, onProgress }),
    );
  }
}
