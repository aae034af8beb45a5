/**
 * A content store in a folder: `<dir>/ab/cd/<64 hex>`, drafts in `<dir>/tmp` (`folder-drafts.ts`).
 * Any number of processes may share it.
 */
import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import {
  ContentCorrupt,
  ContentError,
  ContentNotFound,
  type ContentStore,
  ContentTooLarge,
  digestOf,
  hexOf,
  type PutOptions,
  type ReadRange,
  type StoredContent,
  verified,
} from './content-store';
import { codeOf, FolderDrafts, syncDirectory } from './folder-drafts';

/** Up to here a put looks whether the bytes are there already: reading is cheaper than two syncs. */
const COMPARE_BYTES = 1024 * 1024;
/** Writers at a time of one `putMany`: they share the journal commits of their syncs. */
const WRITERS = 8;

/** Makes the folder when it is missing. Throws ContentError `cannot_write` when it cannot. */
export async function openFolderStore(dir: string): Promise<ContentStore> {
  const store = new FolderStore(dir);
  await store.drafts.prepare();
  return store;
}

class FolderStore implements ContentStore {
  readonly drafts: FolderDrafts;
  private readonly place: string;

  constructor(private readonly dir: string) {
    this.place = `the content folder ${dir}`;
    this.drafts = new FolderDrafts(dir, (digest) => this.pathOf(digest));
  }

  async put(bytes: Uint8Array): Promise<StoredContent> {
    const stored = { digest: digestOf(bytes), bytes: bytes.length };
    const path = this.pathOf(stored.digest);
    if (bytes.length <= COMPARE_BYTES && (await holds(path, bytes))) {
      await syncDirectory(dirname(path)); // its first writer may not have come so far yet
      return stored;
    }
    return this.drafts.write(async (append) => {
      await append(bytes);
      return stored;
    });
  }

  async putMany(contents: readonly Uint8Array[]): Promise<StoredContent[]> {
    const stored: StoredContent[] = [];
    for (let at = 0; at < contents.length; at += WRITERS) {
      const some = contents.slice(at, at + WRITERS);
      stored.push(...(await Promise.all(some.map((bytes) => this.put(bytes)))));
    }
    return stored;
  }

  putStream(source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredContent> {
    const maxBytes = options?.maxBytes ?? Number.POSITIVE_INFINITY;
    return this.drafts.write(async (append) => {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const piece of source) {
        bytes += piece.length;
        if (bytes > maxBytes) throw new ContentTooLarge(maxBytes, this.place);
        hash.update(piece);
        await append(piece);
      }
      return { digest: `sha256:${hash.digest('hex')}`, bytes };
    });
  }

  async get(digest: string): Promise<Uint8Array> {
    const path = this.pathOf(digest);
    const bytes = await readFile(path).catch((error: unknown) => this.unreadable(error, digest));
    const found = digestOf(bytes);
    if (found !== digest) throw new ContentCorrupt(digest, this.place, found);
    return bytes;
  }

  async openRead(digest: string, range?: ReadRange): Promise<Readable> {
    const path = this.pathOf(digest);
    const file = await open(path).catch((error: unknown) => this.unreadable(error, digest));
    if (!range) {
      const source = file.createReadStream();
      const pieces = verified(digest, this.piecesOf(source, digest), this.place);
      const whole = Readable.from(pieces, { objectMode: false });
      whole.once('close', () => source.destroy()); // also when nobody has begun to read
      return whole;
    }
    const { offset = 0, length = Number.MAX_SAFE_INTEGER - offset } = range;
    return file.createReadStream({ start: offset, end: offset + length - 1 });
  }

  async has(digest: string): Promise<boolean> {
    return (await this.sizeOf(digest)) !== undefined;
  }

  async size(digest: string): Promise<number> {
    const size = await this.sizeOf(digest);
    if (size === undefined) throw new ContentNotFound(digest, this.place);
    return size;
  }

  private async *piecesOf(source: AsyncIterable<Buffer>, digest: string) {
    try {
      yield* source;
    } catch (error) {
      this.unreadable(error, digest);
    }
  }

  private async sizeOf(digest: string): Promise<number | undefined> {
    const path = this.pathOf(digest);
    try {
      return await sizeOfFile(path);
    } catch (error) {
      return this.unreadable(error, digest);
    }
  }

  async close(): Promise<void> {}

  private pathOf(digest: string): string {
    const hex = hexOf(digest); // C5
    return join(this.dir, hex.slice(0, 2), hex.slice(2, 4), hex);
  }

  private unreadable(error: unknown, digest: string): never {
    if (codeOf(error) === 'ENOENT') throw new ContentNotFound(digest, this.place);
    const message = `cannot read ${digest} from ${this.place}: ${String(error)}`;
    throw new ContentError('cannot_read', message, { cause: error });
  }
}

async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return (await sizeOfFile(path)) === bytes.length && (await readFile(path)).equals(bytes);
  } catch {
    return false; // whatever is wrong with it, it is written anew
  }
}

async function sizeOfFile(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
