/** Content that is shown: text of a bounded size, or nothing. */
import { QueryError } from '@writ/messaging';

import type { Backend } from '../backend';
import { contentFrom, readPiece } from '../content';

/** Undefined when it is larger, no text, or not there any more. */
export async function readText(
  backend: Backend,
  digest: string,
  mostBytes: number,
): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  try {
    const first = await readPiece(backend, digest, 0);
    if (first.total > mostBytes) return undefined;
    for await (const piece of contentFrom(backend, digest, first)) pieces.push(piece);
  } catch (error) {
    if (error instanceof QueryError && error.code === 'not_found') return undefined;
    throw error;
  }
  const bytes = Buffer.concat(pieces);
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined; // bytes that are no UTF-8 are no text
  }
}
