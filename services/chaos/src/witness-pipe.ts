/**
 * How steps bear witness that may write nowhere but into folders of their own: a named pipe, which a
 * wall of read-only folders lets through, and a program that adds what comes out of it to the file of
 * the witness. A line is shorter than what the kernel writes into a pipe at once, so lines stay whole.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tetherPrefix } from '@writ/embedded-servers';

export class WitnessPipe {
  private constructor(
    readonly path: string,
    private readonly child: ChildProcess,
  ) {}

  /** The pipe lies in the folder, which is made; what is said into it comes into the file. */
  static open(folder: string, file: string): WitnessPipe {
    mkdirSync(folder, { mode: 0o755 });
    const path = join(folder, 'witness');
    execFileSync('mkfifo', [path]);
    chmodSync(path, 0o666);
    // Open for both, it never reads the end, and nobody waits for somebody to listen.
    const script = 'exec cat <>"$1" >>"$2"';
    const [program, ...argv] = [...tetherPrefix('SIGKILL'), 'sh', '-c', script, 'sh', path, file];
    return new WitnessPipe(path, spawn(program!, argv, { stdio: 'ignore', detached: true }));
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await ended;
  }
}
