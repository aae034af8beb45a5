import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { queries, type RunDocument } from '@writ/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Backend } from '../backend';
import { contentFrom, readPiece } from '../content';
import { Problem } from '../http/problem';
import { checked, named, Serves } from '../http/serves';
import { wantsStream } from '../http/sse-stream';
import { OpenStreams } from '../open-streams';
import { routes } from '../routes';
import { followRun } from '../follow-run';

type Id = { id: string };

@Controller()
export class RunsController {
  constructor(
    @Inject(Backend) private readonly backend: Backend,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
  ) {}

  @Serves(routes.run)
  show(
    @Param(named(routes.run.params)) { id }: Id,
    @Query(checked(routes.run.query)) _: object,
  ): Promise<unknown> {
    return this.backend.query(queries.run, { runId: id });
  }

  @Serves(routes.runManifest)
  async manifest(
    @Param(named(routes.runManifest.params)) { id }: Id,
    @Query(checked(routes.runManifest.query)) _: object,
    @Res() response: ServerResponse,
  ): Promise<void> {
    await this.sendManifest(id, response);
  }

  @Serves(routes.directiveManifest)
  async directiveManifest(
    @Param(named(routes.directiveManifest.params)) { id }: Id,
    @Query(checked(routes.directiveManifest.query)) _: object,
    @Res() response: ServerResponse,
  ): Promise<void> {
    await this.sendManifest(id, response);
  }

  @Serves(routes.runLogs)
  async logs(
    @Param(named(routes.runLogs.params)) { id }: Id,
    @Query(checked(routes.runLogs.query)) _: object,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const run = (await this.backend.query(queries.run, { runId: id })) as RunDocument;
    if (wantsStream(request)) {
      await followRun(this.backend, this.streams.open(request, response), run);
      return;
    }
    if (run.status !== 'complete') {
      const detail = `the run has not ended (${run.status}); ask for text/event-stream to follow it`;
      throw new Problem('illegal_transition', detail);
    }
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    if (run.transcript === null) {
      response.end();
      return;
    }
    const first = await readPiece(this.backend, run.transcript, 0);
    await pipeline(Readable.from(contentFrom(this.backend, run.transcript, first)), response);
  }

  /** The text as it was sealed: whoever hashes what they get must get the digest. */
  private async sendManifest(id: string, response: ServerResponse): Promise<void> {
    const answer = await this.backend.query(queries.manifest, { id });
    const { digest, manifest } = answer as { digest: string; manifest: string };
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('ETag', `"${digest}"`);
    response.end(manifest);
  }
}
