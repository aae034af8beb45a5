/**
 * Content that arrives in pieces. Each upload is a file in the drafts of the content folder, so that
 * any process of this service may get the next piece, and the store's own sweep removes what is
 * never finished.
 *
 * U1 A piece counts at the offset where the upload stands; one that came already is told so again,
 *    and two that come at once, as when its sender did not wait, are one.
 * U2 One upload has at most `maxBytes`, and there are at most `maxUploads` at a time.
 */
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentStore, StoredContent } from '@writ/content-store';
import { QueryError } from '@writ/messaging';

export interface UploadsOptions {
  readonly contentDir: string;
  readonly content: Pick<ContentStore, 'put' | 'putStream'>;
  /** Default 64 MiB. */
  readonly maxBytes?: number;
  /** Default 64. */
  readonly maxUploads?: number;
  /** Untouched for so long, an upload is given up. Default one hour. */
  readonly maxAgeMs?: number;
}

export interface Piece {
  readonly uploadId: string;
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly last: boolean;
}

const NAME = /^upload-[A-Za-z0-9-]{1,64}\.tmp$/;

export class Uploads {
  private readonly folder: string;
  private readonly maxBytes: number;

  constructor(private readonly options: UploadsOptions) {
    this.folder = join(options.contentDir, 'tmp');
    this.maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  }

  /** Throws QueryError `malformed`, `too_large`, `busy` or `stale`. */
  async add(piece: Piece): Promise<{ received: number } | StoredContent> {
    const { uploadId, bytes, offset, last } = piece;
    const file = `upload-${uploadId}.tmp`;
    if (!NAME.test(file)) throw new QueryError('malformed', 'an upload id is a-z, A-Z, 0-9 and -');
    const end = offset + bytes.length;
    const path = join(this.folder, file);
    if (end > this.maxBytes) {
      await rm(path, { force: true });
      throw new QueryError('too_large', `an upload has at most ${this.maxBytes} bytes`);
    }
    if (offset === 0 && last) return this.options.content.put(bytes);
    if (offset === 0) await this.makeRoom();
    await this.append(path, piece);
    if (!last) return { received: end };
    const stored = await this.options.content.putStream(createReadStream(path));
    await rm(path, { force: true });
    return stored;
  }

  private async append(path: string, { bytes, offset }: Piece): Promise<void> {
    const at = await stat(path).then(
      ({ size }) => size,
      () => 0,
    );
    if (at === offset + bytes.length && bytes.length > 0) return; // U1
    if (at !== offset) {
      const message = `the upload stands at ${at}, the piece is for ${offset}; begin a new upload`;
      throw new QueryError('stale', message, { received: at });
    }
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    try {
      // At its own place, not at the end, which another may have moved since (U1).
      for (let done = 0; done < bytes.length;) {
        done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
    } finally {
      await file.close();
    }
  }

  /** U2 */
  private async makeRoom(): Promise<void> {
    const { maxUploads = 64, maxAgeMs = 3_600_000 } = this.options;
    await mkdir(this.folder, { recursive: true });
    let count = 0;
    for (const name of await readdir(this.folder)) {
      if (!NAME.test(name)) continue;
      const path = join(this.folder, name);
      const touched = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => undefined, // finished meanwhile
      );
      if (touched === undefined) continue;
      if (Date.now() - touched < maxAgeMs) count += 1;
      else await rm(path, { force: true });
    }
    if (count >= maxUploads) {
      throw new QueryError('busy', `${count} uploads are under way; try again when one has ended`);
    }
  }
}
