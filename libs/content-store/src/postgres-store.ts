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
  type StoredContent,
} from './content-store';

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
  const limit = options.maxBytes ?? MAX_BYTES;
  const pool = new Pool({
    connectionString: options.url,
    max: options.connections ?? 2,
    connectionTimeoutMillis: 3_000,
    query_timeout: 15_000,
    application_name: 'writ-content-store',
  });
  // An idle connection that breaks is replaced at the next query; that query tells of real trouble.
  pool.on('error', () => undefined);

  const putMany = async (contents: readonly Uint8Array[]) => {
    for (const bytes of contents) {
      if (bytes.length > limit) throw new ContentTooLarge(limit, PLACE);
    }
    const stored = contents.map((bytes) => ({
      digest: digestOf(bytes),
      bytes: bytes.length,
    }));
    for (const [from, to] of portions(stored)) {
      await pool.query({
        name: 'put_content',
        text:
          'INSERT INTO content.object (digest, bytes) ' +
          'SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING',
        values: [
          stored.slice(from, to).map((it) => it.digest),
          contents.slice(from, to).map((bytes) => Buffer.from(bytes)),
        ],
      });
    }
    return stored;
  };
  const put = async (bytes: Uint8Array) => (await putMany([bytes]))[0] as StoredContent;
  const get = async (digest: string) => {
    const row = await one<{ bytes: Buffer }>(
      {
        name: 'get_content',
        text: 'SELECT bytes FROM content.object WHERE digest = $1',
      },
      digest,
    );
    const found = digestOf(row.bytes);
    if (found !== digest) throw new ContentCorrupt(digest, PLACE, found);
    return row.bytes;
  };
  const one = async <R extends object>(query: { name: string; text: string }, digest: string) => {
    hexOf(digest); // C5
    const { rows } = await pool.query<R>({ ...query, values: [digest] });
    if (!rows[0]) throw new ContentNotFound(digest, PLACE);
    return rows[0];
  };
  const size = async (digest: string) => {
    const query = {
      name: 'size_content',
      text: 'SELECT octet_length(bytes) AS size FROM content.object WHERE digest = $1',
    };
    return (await one<{ size: number }>(query, digest)).size;
  };

  return {
    put,
    putMany,
    putStream: async (source, putOptions) => {
      const maxBytes = Math.min(limit, putOptions?.maxBytes ?? limit);
      return put(await collect(source, maxBytes, PLACE));
    },
    get,
    openRead: async (digest, range) => {
      const bytes = await get(digest);
      const offset = range?.offset ?? 0;
      const part = bytes.subarray(offset, offset + (range?.length ?? bytes.length));
      return Readable.from([part], { objectMode: false });
    },
    has: (digest) =>
      size(digest).then(
        () => true,
        (error: unknown) => {
          if (error instanceof ContentNotFound) return false;
          throw error;
        },
      ),
    size,
    close: () => pool.end(),
  };
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
