/**
 * Real pipes for the output of programs. What Node calls a pipe is a socket, and a program that
 * opens `/dev/stdout` or `/dev/stderr` by name, as scripts do, fails on a socket. Node cannot make a
 * pipe, but it can open a FIFO at both ends: `mkfifo` makes some in advance, each is used once and
 * unlinked as soon as it is open.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

export interface Pipe {
  readonly reader: Readable;
  /** For the child; close it here once the child is started. */
  readonly writeFd: number;
  closeWriteEnd(): void;
}

const BATCH = 16;

/** Makes pipes; `close` removes what it made in advance. */
export class PipeMaker {
  private readonly folder: string;
  private readonly ready: string[] = [];
  private made = 0;
  private making: Promise<void> | undefined;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'writ-pipes-'));
  }

  /** Throws when this system has no FIFOs; there is then no place for programs to write to. */
  async open(): Promise<Pipe> {
    while (this.ready.length === 0) {
      this.making ??= this.makeMore().finally(() => (this.making = undefined));
      await this.making;
    }
    const path = this.ready.pop() ?? '';
    // Non-blocking, so that the read end opens although nobody writes yet.
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeFd = openSync(path, constants.O_WRONLY);
    unlinkSync(path);
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

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private makeMore(): Promise<void> {
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
