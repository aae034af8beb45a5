import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Backend } from '../backend';
import { contentFrom, readPiece, UPLOAD_LIMIT, writeContent } from '../content';
import { Problem } from '../http/problem';
import { checked, named, Serves } from '../http/serves';
import { routes } from '../routes';

type ByDigest = { digest: string };

@Controller()
export class ArtifactsController {
  constructor(@Inject(Backend) private readonly backend: Backend) {}

  /** Made by agents and programs: a download, never something a browser shows or runs. */
  @Serves(routes.getArtifact)
  async get(
    @Param(named(routes.getArtifact.params)) { digest }: ByDigest,
    @Query(checked(routes.getArtifact.query)) { name }: { name?: string },
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const asked = request.method === 'HEAD' ? 1 : undefined;
    const first = await readPiece(this.backend, digest, 0, asked);
    response.setHeader('Content-Type', 'application/octet-stream');
    response.setHeader('Content-Disposition', attachment(name ?? digest.slice(7, 23)));
    response.setHeader('Content-Security-Policy', `sandbox; default-src 'none'`);
    response.setHeader('Content-Length', first.total);
    response.setHeader('ETag', `"${digest}"`);
    response.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
    if (request.method === 'HEAD') response.end();
    else await pipeline(Readable.from(contentFrom(this.backend, digest, first)), response);
  }

  @Serves(routes.putArtifact)
  async put(
    @Param(checked(routes.putArtifact.params)) { digest }: ByDigest,
    @Query(checked(routes.putArtifact.query)) _: object,
    @Req() request: IncomingMessage,
    @Res({ passthrough: true }) __: ServerResponse,
  ): Promise<{ digest: string; bytes: number }> {
    if (Number(request.headers['content-length'] ?? 0) > UPLOAD_LIMIT) {
      throw new Problem('too_large', `the content is larger than ${UPLOAD_LIMIT} bytes`);
    }
    const kept = await writeContent(this.backend, request as AsyncIterable<Buffer>);
    if (kept.digest !== digest) {
      throw new Problem('digest_mismatch', `the bytes are ${kept.digest}, not ${digest}`);
    }
    return kept;
  }
}

/** RFC 6266: a plain name for old clients, the real one for the others. */
function attachment(name: string): string {
  const plain = name.replace(/[^\w.-]/g, '_');
  const wellFormed = Buffer.from(name).toString();
  const encoded = encodeURIComponent(wellFormed).replace(
    /['()*]/g,
    (it) => `%${it.charCodeAt(0).toString(16)}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
