/** Takes a piece of an upload; with the last one the content is stored. */
import { queries } from '@writ/contracts';
import type { StoredContent } from '@writ/content-store';
import type { Keeper } from './keeper';

export async function writeContent(
  { uploads, metrics }: Pick<Keeper, 'uploads' | 'metrics'>,
  question: unknown,
): Promise<{ received: number } | StoredContent> {
  const { bytes, ...piece } = queries.writeContent.schema.parse(question);
  const answer = await uploads.add({ ...piece, bytes: Buffer.from(bytes, 'base64') });
  if ('digest' in answer) metrics.contentBytes.inc(answer.bytes);
  return answer;
}
