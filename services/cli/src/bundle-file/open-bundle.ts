/**
 * Opens a zip file that anybody may have made. Owns what is looked at before a byte of a member is
 * believed: names that lead nowhere else, each once, only plain files, sizes within bounds, and
 * members that do not share their bytes, so that no file is larger inside than it can be.
 */
import { bundleLimits } from '@writ/contracts';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { type Entry, open as openZip, type ZipFile } from 'yauzl';

import { CliError } from '../cli-error';

export interface Problem {
  /** A member; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export class OpenBundle {
  readonly members = new Map<string, Entry>();
  readonly problems: Problem[] = [];

  private constructor(private readonly zip: ZipFile) {}

  /** Throws CliError file_missing or usage; what is wrong inside is told in `problems`. */
  static async open(path: string): Promise<OpenBundle | Problem> {
    const size = sizeOf(path);
    let zip: ZipFile;
    try {
      zip = await openFile(path);
    } catch (error) {
      return { path: '', message: `is no zip file that can be read: ${(error as Error).message}` };
    }
    const bundle = new OpenBundle(zip);
    try {
      await bundle.readMembers(size);
    } catch (error) {
      bundle.problem('', `its directory cannot be read: ${(error as Error).message}`);
    }
    return bundle;
  }

  /** The bytes of a member; an error when there are not as many as were announced. */
  read(entry: Entry): Promise<Readable> {
    return new Promise((resolve, reject) => {
      this.zip.openReadStream(entry, (error, stream) => {
        if (error === null) resolve(closing(stream));
        else reject(error);
      });
    });
  }

  close(): void {
    this.zip.close();
  }

  problem(path: string, message: string): void {
    this.problems.push({ path, message });
  }

  private async readMembers(fileBytes: number): Promise<void> {
    if (this.zip.entryCount > bundleLimits.members) {
      this.problem(
        '',
        `has ${this.zip.entryCount} members; at most ${bundleLimits.members} are read`,
      );
      return;
    }
    const sum = { packed: 0, whole: 0 };
    for await (const entry of entriesOf(this.zip)) {
      const path = entry.fileName;
      sum.packed += entry.compressedSize;
      sum.whole += entry.uncompressedSize;
      const wrong = wrongWith(entry) ?? (await this.wrongHeader(entry));
      if (wrong !== undefined) this.problem(path, wrong);
      if (this.members.has(path)) this.problem(path, 'is there twice');
      this.members.set(path, entry);
    }
    if (sum.packed > fileBytes) this.problem('', 'has members that share their bytes');
    if (sum.whole > bundleLimits.totalBytes) {
      this.problem('', `holds ${sum.whole} bytes; at most ${bundleLimits.totalBytes} are read`);
    }
  }

  /** Other programs go by the header before the bytes: it must say the same. */
  private wrongHeader(entry: Entry): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.zip.readLocalFileHeader(entry, (error, header) => {
        if (error !== null) resolve(`has no header that can be read: ${error.message}`);
        else if (!header.fileName.equals(entry.fileNameRaw)) {
          resolve('has another name in its own header');
        } else resolve(undefined);
      });
    });
  }
}

/** The streams of yauzl never say that they are closed, for which a reader of today waits. */
function closing(stream: Readable): Readable {
  const through = new PassThrough();
  stream.on('error', (error) => through.destroy(error));
  through.on('close', () => stream.destroy());
  return stream.pipe(through);
}

function sizeOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new CliError('file_missing', `there is no file ${path}`);
  if (!found.isFile()) throw new CliError('usage', `${path} is no file; name a zip file`);
  return found.size;
}

function openFile(path: string): Promise<ZipFile> {
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true };
  return new Promise((resolve, reject) => {
    openZip(path, options, (error, zip) => {
      if (error === null) resolve(zip);
      else reject(error);
    });
  });
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  const leave = new AbortController();
  const { signal } = leave;
  const ended = once(zip, 'end', { signal }).then(() => undefined);
  ended.catch(() => undefined); // told by the race below
  try {
    for (;;) {
      const next = once(zip, 'entry', { signal }) as Promise<[Entry]>;
      next.catch(() => undefined);
      zip.readEntry();
      const found = await Promise.race([next, ended]);
      if (found === undefined) return;
      yield found[0];
    }
  } finally {
    leave.abort();
  }
}

const UNIX = 3;
const KIND = 0o170000;
const PLAIN_FILE = 0o100000;

/** Undefined when it is a plain member with a plain name. */
function wrongWith(entry: Entry): string | undefined {
  const { fileName, compressedSize, uncompressedSize, compressionMethod } = entry;
  const kind = (entry.externalFileAttributes >>> 16) & KIND;
  if (/[\p{Cc}\\]/u.test(fileName)) return 'has a control character in its name';
  if (fileName.endsWith('/')) return 'is a folder';
  if (fileName.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return 'has a name that leads elsewhere';
  }
  if (entry.versionMadeBy >>> 8 === UNIX && kind !== 0 && kind !== PLAIN_FILE) {
    return 'is a link or a device, no plain file';
  }
  if (entry.isEncrypted()) return 'is encrypted';
  if (compressionMethod !== 0 && compressionMethod !== 8) {
    return `is packed by method ${compressionMethod}; only stored and deflated members are read`;
  }
  if (uncompressedSize > bundleLimits.memberBytes) return `has ${uncompressedSize} bytes`;
  if (uncompressedSize > compressedSize * bundleLimits.ratio + 1_024) {
    return `says that ${compressedSize} bytes become ${uncompressedSize}`;
  }
  return undefined;
}
