/**
 * Real pipes for the output of programs. What Node calls a pipe is a socket, and a program that
 * opens `/dev/stdout` or `/dev/stderr` by name, as scripts do, fails on a socket. Node cannot make a
 * pipe, but it can open a FIFO at both ends: `mkfifo` makes some in advance, each is used once and
 * unlinked as soon as it is open.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

export interface Pipe {
  readonly reader: Readable;
  /** For the child; close it here once the child is started. */
  readonly writeFd: number;
  closeWriteEnd(): void;
}

const BATCH = 16;

/**
 * Makes pipes in a folder of its own below `parent`. What other processes left there is removed;
 * one that is still alive makes itself new ones.
 */
export class PipeMaker {
  private readonly folder: string;
  private ready: string[] = [];
  private made = 0;
  private making: Promise<void> | undefined;

  constructor(parent: string) {
    rmSync(parent, { recursive: true, force: true });
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    this.folder = mkdtempSync(join(parent, 'pipes-'));
  }

  /** Throws when this system has no FIFOs; there is then no place for programs to write to. */
  async open(): Promise<Pipe> {
    for (;;) {
      while (this.ready.length === 0) {
        this.making ??= this.makeMore().finally(() => (this.making = undefined));
        await this.making;
      }
      const pipe = openBoth(this.ready.pop() ?? '');
      if (pipe !== undefined) return pipe;
      this.ready = [];
    }
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private makeMore(): Promise<void> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const paths = Array.from({ length: BATCH }, () => join(this.folder, String((this.made += 1))));
    return new Promise((resolve, reject) => {
      execFile('mkfifo', ['-m', '600', ...paths], { timeout: 10_000 }, (error) => {
        if (error) {
          reject(new Error(`cannot make pipes in ${this.folder}: ${error.message}`));
          return;
        }
        this.ready.push(...paths);
        resolve();
      });
    });
  }
}

/** Undefined when somebody has removed it. */
function openBoth(path: string): Pipe | undefined {
  let readFd: number;
  try {
    // Non-blocking, so that the read end opens although nobody writes yet.
    readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const writeFd = openSync(path, constants.O_WRONLY);
  rmSync(path, { force: true });
  let open = true;
  return {
    reader: new Socket({ fd: readFd, readable: true, writable: false }),
    writeFd,
    closeWriteEnd: () => {
      if (open) closeSync(writeFd);
      open = false;
    },
  };
}
