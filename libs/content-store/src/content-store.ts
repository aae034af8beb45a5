/**
 * Bytes by digest: what every store of them promises, whatever keeps them. Implementations: a
 * folder, PostgreSQL (small content), memory, and two of them layered;
 * `content-store.conformance.ts` asks all the same.
 *
 * C1 What was put is there, whole, when `put` returns, and survives a crash after that.
 * C2 What is read from start to end is what its digest says, or the read throws ContentCorrupt.
 * C3 A put that fails leaves nothing that can be read.
 * C4 Putting the same bytes again, also at the same time, has no further effect.
 * C5 A digest is checked for its form before it becomes part of a path or a query.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

export interface StoredContent {
  /** `sha256:<64 hex>` */
  readonly digest: string;
  readonly bytes: number;
}

export interface PutOptions {
  /** More than this throws ContentTooLarge, and nothing is kept. */
  readonly maxBytes?: number;
}

export interface ReadRange {
  /** Default 0. */
  readonly offset?: number;
  /** At least 1. Default: to the end. */
  readonly length?: number;
}

/** Every read of what is not there throws ContentNotFound. */
export interface ContentStore {
  put(bytes: Uint8Array): Promise<StoredContent>;
  /** Many small contents for the price of few syncs; answers in the order given. */
  putMany(contents: readonly Uint8Array[]): Promise<StoredContent[]>;
  /** Takes a Readable or anything else that yields pieces; only one piece is in memory at a time. */
  putStream(source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<StoredContent>;
  get(digest: string): Promise<Uint8Array>;
  /**
   * A stream of the bytes, or of a range of them. Corruption shows as an error at the end of a
   * whole read; a range is not checked.
   */
  openRead(digest: string, range?: ReadRange): Promise<Readable>;
  has(digest: string): Promise<boolean>;
  /** In bytes. */
  size(digest: string): Promise<number>;
  close(): Promise<void>;
}

export type ContentErrorCode =
  'not_found' | 'corrupt' | 'too_large' | 'bad_digest' | 'cannot_write' | 'cannot_read';

export class ContentError extends Error {
  constructor(
    readonly code: ContentErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class ContentNotFound extends ContentError {
  constructor(
    readonly digest: string,
    place: string,
  ) {
    super('not_found', `no content ${digest} in ${place}`);
  }
}

/** The bytes under a digest are not the bytes of that digest: the disk or somebody changed them. */
export class ContentCorrupt extends ContentError {
  constructor(
    readonly digest: string,
    place: string,
    found: string,
  ) {
    super(
      'corrupt',
      `the content ${digest} in ${place} is damaged (its bytes are ${found}); ` +
        'put the right bytes again or restore it from a backup',
    );
  }
}

export class ContentTooLarge extends ContentError {
  constructor(
    readonly maxBytes: number,
    place: string,
  ) {
    super('too_large', `the content is larger than the ${maxBytes} bytes that ${place} takes`);
  }
}

/** The hex part of a digest. Throws ContentError `bad_digest`. */
export function hexOf(digest: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    const shown = JSON.stringify(String(digest).slice(0, 80));
    throw new ContentError('bad_digest', `${shown} is not a digest (sha256:<64 hex>)`);
  }
  return digest.slice('sha256:'.length);
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The pieces as they come, and at the end the check of C2. */
export async function* verified(
  digest: string,
  pieces: AsyncIterable<Uint8Array>,
  place: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found !== digest) throw new ContentCorrupt(digest, place, found);
}

/** All pieces as one. Throws ContentTooLarge. */
export async function collect(
  pieces: AsyncIterable<Uint8Array>,
  maxBytes: number,
  place: string,
): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > maxBytes) throw new ContentTooLarge(maxBytes, place);
    kept.push(piece);
  }
  return Buffer.concat(kept);
}
