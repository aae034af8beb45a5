/**
 * Writes a bundle. The bytes depend on nothing but what is in it: members in order, one time for all,
 * and none compressed, since what a compressor makes differs from version to version. Contents come
 * from the gateway one after the other and are held by nobody; what is not what its digest says ends
 * the export.
 */
import { BUNDLE_METADATA, type BundleFile, canonicalJson } from '@writ/contracts';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

import { CliError } from '../cli-error';
import type { Gateway } from '../gateway-client';
import type { Gathered } from './gather-bundle';

const FILE_MODE = 0o100644;
const PROGRAM_MODE = 0o100755;

/** The first day that a zip file can name; it holds local time. */
const optionsOf = (size: number, isProgram: boolean) => ({
  ...{ size, mtime: new Date(1980, 0, 1), forceDosTimestamp: true, compress: false },
  mode: isProgram ? PROGRAM_MODE : FILE_MODE,
});

/** There must be no file yet. */
export async function writeBundle(
  gateway: Pick<Gateway, 'pieces'>,
  { metadata, texts }: Gathered,
  path: string,
): Promise<void> {
  const zip = new ZipFile();
  const output = zip.outputStream as PassThrough;
  const fail = (error: unknown) => void output.destroy(error as Error);
  zip.on('error', fail);
  const add = (name: string, size: number, isProgram: boolean, open: () => Promise<Readable>) =>
    zip.addReadStreamLazy(name, optionsOf(size, isProgram), (take) => {
      open().then((stream) => take(null, stream.on('error', fail)), fail);
    });
  const told = Buffer.from(`${inLines(metadata)}\n`);
  add(BUNDLE_METADATA, told.length, false, () => Promise.resolve(Readable.from([told])));
  for (const file of metadata.files) {
    const text = texts.get(file.path);
    const open = async () =>
      Readable.from(text === undefined ? contentOf(gateway, file) : [text], { objectMode: false });
    add(file.path, file.bytes, file.executable, open);
  }
  zip.end();
  await pipeline(output, createWriteStream(path, { flags: 'wx' }));
}

/** For people to read, and always in the same order. */
function inLines(value: unknown): string {
  return JSON.stringify(JSON.parse(canonicalJson(JSON.parse(JSON.stringify(value)))), null, 2);
}

async function* contentOf(
  gateway: Pick<Gateway, 'pieces'>,
  { path, digest, bytes }: BundleFile,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of await gateway.pieces(`/v1/artifacts/${digest}`)) {
    hash.update(piece);
    size += piece.length;
    yield piece;
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found === digest && size === bytes) return;
  const message = `${path}: the stack gave ${size} bytes with ${found}, not ${bytes} with ${digest}`;
  throw new CliError('verification_failed', message);
}
