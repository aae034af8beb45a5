/** Answers with the sealed manifest of a run or of a directive, its text exactly as it was sealed. */
import { type ManifestSealed, queries, type RecordedEvent, streamOf } from '@writ/contracts';
import { QueryError } from '@writ/messaging';
import type { Keeper } from './keeper';

export interface ManifestAnswer {
  readonly digest: string;
  readonly manifest: string;
  readonly seal: RecordedEvent;
}

export async function answerManifest(deps: Keeper, question: unknown): Promise<ManifestAnswer> {
  const { id } = queries.manifest.schema.parse(question);
  // Whoever has just seen a run end may ask before the sealing has come so far.
  const seal = (await sealOf(deps, id)) ?? (await deps.sealedUpToNow(), await sealOf(deps, id));
  if (seal === undefined) {
    throw new QueryError(
      'not_found',
      `there is no manifest of ${id} yet: it is sealed soon after its end`,
    );
  }
  const { digest } = seal.data as ManifestSealed;
  const text = await deps.content.get(digest);
  return { digest, manifest: Buffer.from(text).toString(), seal };
}

async function sealOf({ log }: Keeper, id: string): Promise<RecordedEvent | undefined> {
  const [found] = await log.lastEvents([streamOf.manifest(id)]);
  if (found === undefined) return undefined;
  const { dataText: _, ...seal } = found as RecordedEvent & { dataText?: string };
  return seal;
}
