/**
 * Reads a JSON body: bounded, UTF-8, with the place of an error in it. Owns what is refused before
 * a schema sees it. A slow body is ended by the server's `requestTimeout`.
 */
import type { IncomingMessage } from 'node:http';

import { MalformedMessage, readJson } from '@writ/messaging';

import { jsonPlace } from './json-place';
import { Problem } from './problem';

export const BODY_LIMIT = 1024 * 1024;

/** Throws Problem: unsupported_media_type, too_large or malformed. */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type !== 'application/json') {
    const detail = `the body is ${type === '' ? 'of no type' : `"${type}"`}; send application/json`;
    throw new Problem('unsupported_media_type', detail);
  }
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new Problem(
      'unsupported_media_type',
      `the body is encoded ("${encoding}"); send it plain`,
    );
  }
  const bytes = await readBytes(request, BODY_LIMIT);
  try {
    return readJson(bytes);
  } catch (error) {
    if (error instanceof MalformedMessage) throw malformed(bytes, error);
    throw error;
  }
}

/** Throws Problem too_large as soon as that is known; the rest of the body is not read. */
export async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = new Problem('too_large', `the body is larger than ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge;
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of request.iterator({
      destroyOnReturn: false,
    }) as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > limit) throw tooLarge;
      pieces.push(piece);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    throw new Problem('timeout', 'the connection ended before the body was complete');
  }
  return Buffer.concat(pieces);
}

function malformed(bytes: Buffer, error: MalformedMessage): Problem {
  if (!error.message.startsWith('the body is not JSON')) {
    return new Problem('malformed', error.message);
  }
  const { line, column, reason } = jsonPlace(bytes.toString('utf8'));
  const detail = `the body is not JSON: line ${line}, column ${column}: ${reason}`;
  return new Problem('malformed', detail, { line, column });
}
