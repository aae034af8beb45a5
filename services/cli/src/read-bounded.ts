/**
 * A file that a person named, or stdin: read no further than it may be large, whatever it is. A device
 * or a pipe has no size to look at before, and may never end.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import { CliError } from './cli-error';

const PIECE = 64 * 1024;

/** `-` is stdin. Throws CliError: file_missing, usage for a folder, or too_large. */
export function readBounded(file: string, limit: number, what: string): Buffer {
  const descriptor = file === '-' ? 0 : open(file);
  try {
    if (fstatSync(descriptor).isDirectory()) {
      throw new CliError('usage', `${file} is a folder; name the ${what} in it`);
    }
    const pieces: Buffer[] = [];
    let size = 0;
    for (let piece = next(descriptor); piece.length > 0; piece = next(descriptor)) {
      pieces.push(piece);
      size += piece.length;
      if (size > limit) {
        const name = file === '-' ? 'stdin' : file;
        throw new CliError(
          'too_large',
          `${name} is too large: a ${what} has at most ${limit} bytes`,
        );
      }
    }
    return Buffer.concat(pieces);
  } finally {
    if (file !== '-') closeSync(descriptor);
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CliError('file_missing', `there is no file ${file}`);
  }
}

function next(descriptor: number): Buffer {
  const piece = Buffer.allocUnsafe(PIECE);
  for (;;) {
    try {
      return piece.subarray(0, readSync(descriptor, piece));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return Buffer.alloc(0);
      if (code !== 'EAGAIN') throw error;
      // Somebody made the pipe of stdin non-blocking, and nothing is in it yet.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
