/** Takes a piece of an upload; with the last one the content is stored. */
import { queries } from '@writ/contracts';
import type { StoredContent } from '@writ/content-store';
import { QueryError } from '@writ/messaging';
import type { Keeper } from './keeper';

export async function writeContent(
  { uploads, metrics }: Pick<Keeper, 'uploads' | 'metrics'>,
  question: unknown,
): Promise<{ received: number } | StoredContent> {
  const { bytes: text, ...piece } = queries.writeContent.schema.parse(question);
  const bytes = Buffer.from(text, 'base64');
  // What is no base64 is left out when it is decoded: something else would be stored than was sent.
  if (bytes.toString('base64') !== text) {
    throw new QueryError('malformed', 'the bytes of the piece are not base64');
  }
  const answer = await uploads.add({ ...piece, bytes });
  if ('digest' in answer) metrics.contentBytes.inc(answer.bytes);
  return answer;
}
