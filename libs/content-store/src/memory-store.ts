/** A content store in memory, for tests and for the simulator. */
import { Readable } from 'node:stream';
import {
  collect,
  ContentCorrupt,
  ContentNotFound,
  type ContentStore,
  digestOf,
  hexOf,
} from './content-store';

const PLACE = 'the memory store';

export interface MemoryStore extends ContentStore {
  /** By digest; a test may damage what is in it. */
  readonly contents: Map<string, Uint8Array>;
}

export function openMemoryStore(): MemoryStore {
  const contents = new Map<string, Uint8Array>();

  const put = async (bytes: Uint8Array) => {
    const digest = digestOf(bytes);
    contents.set(digest, Uint8Array.from(bytes));
    return { digest, bytes: bytes.length };
  };
  const found = (digest: string): Uint8Array => {
    hexOf(digest);
    const bytes = contents.get(digest);
    if (!bytes) throw new ContentNotFound(digest, PLACE);
    return bytes;
  };
  const get = async (digest: string) => {
    const bytes = found(digest);
    const actual = digestOf(bytes);
    if (actual !== digest) throw new ContentCorrupt(digest, PLACE, actual);
    return bytes;
  };

  return {
    contents,
    put,
    putMany: (many) => Promise.all(many.map(put)),
    putStream: async (source, { maxBytes = Number.POSITIVE_INFINITY } = {}) =>
      put(await collect(source, maxBytes, PLACE)),
    get,
    openRead: async (digest, range) => {
      const bytes = range ? found(digest) : await get(digest);
      const offset = range?.offset ?? 0;
      return Readable.from(
        [Buffer.from(bytes.subarray(offset, offset + (range?.length ?? bytes.length)))],
        { objectMode: false },
      );
    },
    has: async (digest) => contents.has(`sha256:${hexOf(digest)}`),
    size: async (digest) => found(digest).length,
    close: async () => undefined,
  };
}
