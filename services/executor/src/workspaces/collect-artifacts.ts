/**
 * Takes what a step made into the content store. Owns which files those are (declared paths and
 * globs, paths that the program reported, files that changed) and what is refused: whatever leads
 * out of the workspace, is no plain file, or holds a secret that the executor knows.
 *
 * A file is opened once; the bytes that are checked and hashed are the bytes that are stored.
 */
import type { FileHandle } from 'node:fs/promises';
import { compileGlob } from '@writ/contracts';
import type { ArtifactRef } from '@writ/contracts';
import type { ContentStore } from '@writ/content-store';
import { secretIn, type Needle } from '@writ/programs';
import { InsideFolder, partsOf, PathRefused } from './inside-folder';
import { listFiles, TooManyFiles } from './list-files';

export interface CollectRequest {
  readonly folder: InsideFolder;
  /** Each must match something. */
  readonly declared: readonly string[];
  /** From `ARTIFACT:` lines; each must be there. */
  readonly reported: readonly string[];
  /** Files that are known to be new or different. */
  readonly changed: readonly string[];
  readonly content: ContentStore;
  readonly needles: readonly Needle[];
  /** Files and folders that are left out. */
  readonly skip?: (path: string) => boolean;
  readonly limits?: Partial<CollectLimits>;
}

export interface CollectLimits {
  readonly files: number;
  readonly bytesOfOne: number;
  /** Files that a glob may walk past. */
  readonly walked: number;
}

const LIMITS: CollectLimits = {
  files: 5000,
  bytesOfOne: 4 * 1024 * 1024 * 1024,
  walked: 500_000,
};
/** Bytes of all paths together: they become one event. */
const MOST_OF_NAMES = 1024 * 1024;
/** Up to here a file is read whole, and stored together with others. */
const SMALL_BYTES = 1024 * 1024;
const BATCH_BYTES = 16 * 1024 * 1024;

/** What the step made cannot be taken. The message names the file. */
export class OutputRefused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'OutputRefused';
  }
}

/** In order of path. Throws OutputRefused; nothing is kept of a file that is refused. */
export async function collectArtifacts(request: CollectRequest): Promise<ArtifactRef[]> {
  const limits = { ...LIMITS, ...request.limits };
  try {
    const paths = await pathsOf(request, limits);
    const names = paths.reduce((sum, path) => sum + Buffer.byteLength(path), 0);
    if (paths.length > limits.files || names > MOST_OF_NAMES) {
      throw new OutputRefused(
        'too_many_files',
        `the step made or changed ${paths.length} files; ${limits.files} are taken at most. ` +
          'Generated folders belong into .gitignore',
      );
    }
    return await new Collector(request, limits).collect(paths);
  } catch (error) {
    throw asRefusal(error);
  }
}

function asRefusal(error: unknown): unknown {
  if (error instanceof PathRefused) return new OutputRefused(error.code, error.message);
  if (error instanceof RangeError) return new OutputRefused('bad_pattern', error.message);
  if (error instanceof TooManyFiles) return new OutputRefused('too_many_files', error.message);
  return error;
}

async function pathsOf(request: CollectRequest, limits: CollectLimits): Promise<string[]> {
  const found = new Set<string>(request.changed);
  for (const path of request.reported) found.add(partsOf(path).join('/'));
  for (const declared of request.declared) {
    const matches = await matchesOf(declared, request, limits);
    if (matches.length === 0) {
      throw new OutputRefused(
        'output_missing',
        `the declared output ${JSON.stringify(declared)} matches no file in the workspace`,
      );
    }
    for (const path of matches) found.add(path);
  }
  return [...found].sort();
}

/** A declared output is a file, a folder with all below it, or a glob. */
async function matchesOf(
  declared: string,
  { folder, skip }: CollectRequest,
  { walked }: CollectLimits,
): Promise<string[]> {
  const path = partsOf(declared).join('/');
  const there = await folder.look(path);
  if (there !== undefined && !there.isDirectory()) return [path];
  const walk = (from: string) => listFiles(folder.root, from, { skip, limit: walked });
  if (there?.isDirectory() === true) return (await walk(path)).map((file) => file.path);
  const glob = compileGlob(path);
  if (glob.literal !== null) return [];
  const files = await walk(glob.base);
  return files.map((file) => file.path).filter((it) => glob.matches(it));
}

class Collector {
  private readonly taken: ArtifactRef[] = [];
  private batch: { path: string; bytes: Buffer; executable: boolean }[] = [];
  private batchBytes = 0;

  constructor(
    private readonly request: CollectRequest,
    private readonly limits: CollectLimits,
  ) {}

  async collect(paths: readonly string[]): Promise<ArtifactRef[]> {
    for (const path of paths) await this.take(path);
    await this.storeBatch();
    return this.taken.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  private async take(path: string): Promise<void> {
    this.refuseSecret(Buffer.from(path), `the name of ${hidden(path, this.request.needles)}`);
    const { file, stats } = await this.request.folder.openRead(path);
    try {
      if (stats.size > this.limits.bytesOfOne) {
        const most = this.limits.bytesOfOne;
        throw new OutputRefused('too_large', `${path} has ${stats.size} bytes, more than ${most}`);
      }
      const executable = (stats.mode & 0o111) !== 0;
      if (stats.size > SMALL_BYTES) return await this.storeLarge(path, file, executable);
      const bytes = await file.readFile();
      this.refuseSecret(bytes, path);
      this.batch.push({ path, bytes, executable });
      this.batchBytes += bytes.length;
      if (this.batchBytes >= BATCH_BYTES) await this.storeBatch();
    } finally {
      await file.close();
    }
  }

  private async storeBatch(): Promise<void> {
    const batch = this.batch;
    this.batch = [];
    this.batchBytes = 0;
    if (batch.length === 0) return;
    const stored = await this.request.content.putMany(batch.map(({ bytes }) => bytes));
    batch.forEach(({ path, executable }, at) => {
      const { digest = '', bytes = 0 } = stored[at] ?? {};
      this.taken.push({ path, digest, bytes, ...(executable ? { executable } : {}) });
    });
  }

  private async storeLarge(path: string, file: FileHandle, executable: boolean): Promise<void> {
    const pieces = this.checked(path, file);
    const options = { maxBytes: this.limits.bytesOfOne };
    const { digest, bytes } = await this.request.content.putStream(pieces, options);
    this.taken.push({ path, digest, bytes, ...(executable ? { executable } : {}) });
  }

  /** The bytes of a file, each looked at together with the end of what came before it. */
  private async *checked(path: string, file: FileHandle): AsyncGenerator<Uint8Array, void> {
    const longest = this.request.needles[0]?.text.length ?? 0;
    let before: Buffer = Buffer.alloc(0);
    for (;;) {
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(SMALL_BYTES),
        0,
        SMALL_BYTES,
      );
      if (bytesRead === 0) return;
      const piece = buffer.subarray(0, bytesRead);
      this.refuseSecret(Buffer.concat([before, piece]), path);
      before = piece.subarray(Math.max(0, piece.length - longest));
      yield piece;
    }
  }

  private refuseSecret(bytes: Uint8Array, what: string): void {
    const name = secretIn(bytes, this.request.needles);
    if (name === undefined) return;
    throw new OutputRefused(
      'secret_in_output',
      `${what} holds the value of ${name}, which is a secret; nothing of it was stored`,
    );
  }
}

const hidden = (path: string, needles: readonly Needle[]) =>
  secretIn(Buffer.from(path), needles) === undefined ? path : 'an output';

const LINE = /^ARTIFACTS?:/;

/** The paths that a program reports: `ARTIFACT: path` and `ARTIFACTS: a,b`, on lines of their own. */
export class ReportedArtifacts {
  readonly paths: string[] = [];
  private rest = '';
  private skipping = false;

  take(piece: Buffer): void {
    if (this.paths.length >= LIMITS.files) return;
    const text = this.rest + piece.toString('latin1');
    const last = text.lastIndexOf('\n') + 1;
    this.rest = text.slice(last);
    // Most output reports nothing, and may be a lot.
    if (text.includes('ARTIFACT')) {
      for (const line of text.slice(0, last).split('\n')) this.read(line);
    } else if (last > 0) this.skipping = false;
    // Reports are short: of a longer line only the beginning matters.
    if (this.rest.length > MOST_OF_A_LINE) {
      this.skipping = true;
      this.rest = '';
    }
  }

  end(): void {
    this.read(this.rest);
    this.rest = '';
  }

  private read(line: string): void {
    const whole = !this.skipping;
    this.skipping = false;
    if (!whole || !LINE.test(line) || this.paths.length >= LIMITS.files) return;
    const text = Buffer.from(line, 'latin1').toString('utf8').replace(/\r$/, '');
    const [label = '', ...rest] = text.split(':');
    const value = rest.join(':');
    const paths = label === 'ARTIFACTS' ? value.split(',') : [value];
    this.paths.push(...paths.map((path) => path.trim()).filter((path) => path !== ''));
  }
}

const MOST_OF_A_LINE = 64 * 1024;
