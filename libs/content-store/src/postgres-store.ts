/**
 * A content store in PostgreSQL, table `content.object`, for small content. The database itself
 * checks that bytes and digest belong together, and lets nobody change or remove a row.
 */
import { Pool } from 'pg';
import { Readable } from 'node:stream';
import {
  collect,
  ContentCorrupt,
  ContentNotFound,
  type ContentStore,
  ContentTooLarge,
  digestOf,
  hexOf,
  type PutOptions,
  type ReadRange,
  type StoredContent,
} from './content-store';

// All bytes as one value: the driver sends that as it is, and an array of them as text, in hex.
const PUT = `insert into content.object (digest, bytes)
  select digest, substring($2::bytea from start for bytes)
  from unnest($1::text[], $3::int[], $4::int[]) as o (digest, start, bytes)
  on conflict do nothing`;
const GET = 'select bytes from content.object where digest = $1';
const SIZE = 'select octet_length(bytes) as size from content.object where digest = $1';

const PLACE = 'the database';
/** Of one statement. */
const PORTION_BYTES = 4 * 1024 * 1024;
const PORTION_ROWS = 1000;
/** A row travels and is kept in memory whole. */
const MAX_BYTES = 1024 * 1024;

export interface PostgresStoreOptions {
  readonly url: string;
  /** Largest content it takes. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Default 2. */
  readonly connections?: number;
}

export function openPostgresStore(options: PostgresStoreOptions): ContentStore {
  return new PostgresStore(options);
}

class PostgresStore implements ContentStore {
  private readonly maxBytes: number;
  private readonly pool: Pool;

  constructor({ url, maxBytes = MAX_BYTES, connections = 2 }: PostgresStoreOptions) {
    this.maxBytes = maxBytes;
    this.pool = new Pool({
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: 3_000,
      query_timeout: 15_000,
      application_name: 'writ content',
      keepAlive: true,
    });
    // An idle connection that breaks is replaced at the next query; that one tells of real trouble.
    this.pool.on('error', () => undefined);
  }

  async put(bytes: Uint8Array): Promise<StoredContent> {
    return (await this.putMany([bytes]))[0] as StoredContent;
  }

  async putMany(contents: readonly Uint8Array[]): Promise<StoredContent[]> {
    for (const bytes of contents) {
      if (bytes.length > this.maxBytes) throw new ContentTooLarge(this.maxBytes, PLACE);
    }
    const stored = contents.map((bytes) => ({ digest: digestOf(bytes), bytes: bytes.length }));
    for (const [from, to] of portions(stored)) {
      const portion = stored.slice(from, to);
      const sizes = portion.map(({ bytes }) => bytes);
      const values = [
        portion.map(({ digest }) => digest),
        Buffer.concat(contents.slice(from, to)),
        startsOf(sizes),
        sizes,
      ];
      await this.pool.query({ name: 'put_content', text: PUT, values });
    }
    return stored;
  }

  async putStream(source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredContent> {
    const maxBytes = Math.min(this.maxBytes, options?.maxBytes ?? this.maxBytes);
    return this.put(await collect(source, maxBytes, PLACE));
  }

  async get(digest: string): Promise<Uint8Array> {
    const { bytes } = await this.one<{ bytes: Buffer }>('get_content', GET, digest);
    const found = digestOf(bytes);
    if (found !== digest) throw new ContentCorrupt(digest, PLACE, found);
    return bytes;
  }

  async openRead(digest: string, range?: ReadRange): Promise<Readable> {
    const bytes = await this.get(digest);
    const offset = range?.offset ?? 0;
    const part = bytes.subarray(offset, offset + (range?.length ?? bytes.length));
    return Readable.from([part], { objectMode: false });
  }

  async has(digest: string): Promise<boolean> {
    try {
      await this.size(digest);
      return true;
    } catch (error) {
      if (error instanceof ContentNotFound) return false;
      throw error;
    }
  }

  async size(digest: string): Promise<number> {
    return (await this.one<{ size: number }>('size_content', SIZE, digest)).size;
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  private async one<R extends object>(name: string, text: string, digest: string): Promise<R> {
    hexOf(digest); // C5
    const { rows } = await this.pool.query<R>({ name, text, values: [digest] });
    if (!rows[0]) throw new ContentNotFound(digest, PLACE);
    return rows[0];
  }
}

/** Where each begins when they stand one after the other, counted from 1. */
function startsOf(sizes: readonly number[]): number[] {
  let next = 1;
  return sizes.map((size) => (next += size) - size);
}

/** Neighbours that go in one statement, as [from, to). */
function portions(stored: readonly StoredContent[]): [number, number][] {
  const found: [number, number][] = [];
  let from = 0;
  let bytes = 0;
  for (const [index, content] of stored.entries()) {
    if (index > from && (bytes + content.bytes > PORTION_BYTES || index - from >= PORTION_ROWS)) {
      found.push([from, index]);
      [from, bytes] = [index, 0];
    }
    bytes += content.bytes;
  }
  if (from < stored.length) found.push([from, stored.length]);
  return found;
}
