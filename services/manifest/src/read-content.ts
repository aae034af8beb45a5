/** Answers with a piece of some content. */
import { queries } from '@writ/contracts';
import type { Keeper } from './keeper';

export interface ContentPiece {
  /** base64; empty at or beyond the end. */
  readonly bytes: string;
  /** Of the whole. */
  readonly total: number;
}

export async function readContent(
  { content }: Pick<Keeper, 'content'>,
  question: unknown,
): Promise<ContentPiece> {
  const { digest, offset, length } = queries.readContent.schema.parse(question);
  const total = await content.size(digest);
  // Content that is asked for as a whole is checked against its digest.
  const whole = offset === 0 && length >= total;
  const bytes = whole
    ? await content.get(digest)
    : await collect(await content.openRead(digest, { offset, length }));
  return { bytes: Buffer.from(bytes).toString('base64'), total };
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
