/**
 * Bytes by digest, in pieces, through the service that keeps them. The gateway holds one piece at a
 * time, whatever the whole weighs.
 */
import { queries } from '@writ/contracts';
import type { ClaimCheck } from '@writ/messaging';
import { randomUUID } from 'node:crypto';

import type { Backend } from './backend';
import { Problem } from './http/problem';

const PIECE_BYTES = 512 * 1024;
export const UPLOAD_LIMIT = 64 * 1024 * 1024;

export interface ContentPiece {
  readonly bytes: Buffer;
  readonly total: number;
}

export async function readPiece(
  backend: Backend,
  digest: string,
  offset: number,
  length = PIECE_BYTES,
): Promise<ContentPiece> {
  const question = { digest, offset, length };
  const answer = await backend.query(queries.readContent, question);
  const { bytes, total } = answer as { bytes: string; total: number };
  return { bytes: Buffer.from(bytes, 'base64'), total };
}

/** The whole, piece by piece, after a first piece that was read to learn the size. */
export async function* contentFrom(
  backend: Backend,
  digest: string,
  first: ContentPiece,
): AsyncGenerator<Buffer> {
  let offset = first.bytes.length;
  if (offset > 0) yield first.bytes;
  while (offset < first.total) {
    const { bytes } = await readPiece(backend, digest, offset);
    if (bytes.length === 0) throw new Problem('unavailable', `${digest} ends too early`);
    offset += bytes.length;
    yield bytes;
  }
}

/** Keeps bytes as they come and tells their digest. Throws Problem too_large. */
export async function writeContent(
  backend: Backend,
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<{ digest: string; bytes: number }> {
  const uploadId = randomUUID();
  let offset = 0;
  let waiting: Buffer[] = [];
  let size = 0;
  const send = async (last: boolean) => {
    const piece = Buffer.concat(waiting);
    waiting = [];
    size = 0;
    const bytes = piece.toString('base64');
    const answer = await backend.query(queries.writeContent, { bytes, uploadId, offset, last });
    offset += piece.length;
    return answer;
  };
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const part = chunk.subarray(at, at + PIECE_BYTES);
      if (size + part.length > PIECE_BYTES) await send(false);
      if (offset + size + part.length > UPLOAD_LIMIT) {
        throw new Problem('too_large', `the content is larger than ${UPLOAD_LIMIT} bytes`);
      }
      waiting.push(part);
      size += part.length;
    }
  }
  return (await send(true)) as { digest: string; bytes: number };
}

/** Messages that are too large for the bus travel by digest. */
export function claimCheckOver(backend: () => Backend): ClaimCheck {
  return {
    put: async (bytes) => (await writeContent(backend(), [Buffer.from(bytes)])).digest,
    get: async (digest) => {
      const pieces: Buffer[] = [];
      const first = await readPiece(backend(), digest, 0);
      for await (const piece of contentFrom(backend(), digest, first)) pieces.push(piece);
      return Buffer.concat(pieces);
    },
  };
}
