/** Lays recorded files into a folder: inputs, what earlier steps made, what a cached run made. */
import type { ArtifactRef } from '@writ/contracts';
import type { ContentStore } from '@writ/content-store';
import type { InsideFolder } from './inside-folder';

export type LaidFile = Pick<ArtifactRef, 'path' | 'digest' | 'executable'>;

/** Throws PathRefused for a path that leads out, ContentNotFound for content that is gone. */
export async function layArtifacts(
  folder: InsideFolder,
  files: readonly LaidFile[],
  content: ContentStore,
): Promise<void> {
  for (const { path, digest, executable } of files) {
    const bytes = await content.openRead(digest);
    await folder.write(path, bytes as AsyncIterable<Uint8Array>, { executable });
  }
}
