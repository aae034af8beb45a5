/**
 * Small content in one store (PostgreSQL: backed up with the log, no file for each few bytes),
 * large in another (a folder). Reading looks in the small one first.
 */
import type { ContentStore, StoredContent } from './content-store';

export interface LayeredOptions {
  readonly small: ContentStore;
  readonly large: ContentStore;
  /** Up to so many bytes are small. Default 16 KiB. */
  readonly smallBytes?: number;
}

export function layeredStore({ small, large, smallBytes = 16_384 }: LayeredOptions): ContentStore {
  const storeOf = async (digest: string) => ((await small.has(digest)) ? small : large);
  const layerOf = (bytes: Uint8Array | undefined) =>
    (bytes?.length ?? 0) <= smallBytes ? small : large;
  const put = (bytes: Uint8Array) => layerOf(bytes).put(bytes);

  return {
    put,
    putMany: async (contents) => {
      const stored: StoredContent[] = [];
      for (const store of [small, large]) {
        const places = [...contents.keys()].filter((at) => layerOf(contents[at]) === store);
        const answers = await store.putMany(places.map((at) => contents[at] ?? new Uint8Array()));
        for (const [index, answer] of answers.entries()) stored[places[index] ?? 0] = answer;
      }
      return stored;
    },
    putStream: async (source, options) => {
      const pieces = source[Symbol.asyncIterator]();
      const start: Uint8Array[] = [];
      let bytes = 0;
      while (bytes <= smallBytes && bytes <= (options?.maxBytes ?? bytes)) {
        const next = await pieces.next();
        if (next.done) return put(Buffer.concat(start));
        start.push(next.value);
        bytes += next.value.length;
      }
      return large.putStream(chain(start, pieces), options);
    },
    get: async (digest) => (await storeOf(digest)).get(digest),
    openRead: async (digest, range) => (await storeOf(digest)).openRead(digest, range),
    has: async (digest) => (await small.has(digest)) || large.has(digest),
    size: async (digest) => (await storeOf(digest)).size(digest),
    close: async () => {
      try {
        await small.close();
      } finally {
        await large.close();
      }
    },
  };
}

async function* chain(
  start: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* start;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
