// One server process of ours: started in its own process group (Ctrl-C at a terminal must not
// reach it before the services have stopped), its output drained, its end always noticed.
// It does not know what the server is; readiness is asked by the caller.
import { type ChildProcess, spawn } from 'node:child_process';
import { type Readable } from 'node:stream';
import { createInterface } from 'node:readline';

import { ServerError } from './server-error';
import { tetherPrefix, watchFromOutside } from './tether';
import { waitUntil } from './wait-until';

const TAIL_LINES = 30;

export interface ServerExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The last lines of its output. */
  tail: string;
}

export interface LaunchOptions {
  name: string;
  /** Goes before the tether and the program, for a server that must not run as root. */
  prefix?: string[];
  program: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  log?: ((line: string) => void) | undefined;
  /** End the server with this signal when this process dies. */
  tether?: 'SIGINT' | 'SIGTERM' | undefined;
}

export class ChildServer {
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason; never rejects. */
  readonly exited: Promise<ServerExit>;
  private exit: ServerExit | undefined;
  private readonly tailLines: string[] = [];

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: LaunchOptions,
    releaseTether: () => void,
  ) {
    this.pid = child.pid!;
    for (const stream of [child.stdout, child.stderr]) this.drain(stream!);
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        releaseTether();
        // The last words may still be in the pipe; a grandchild may hold it open for ever.
        const done = (): void => {
          if (this.exit) return;
          this.exit = { code, signal, tail: this.tailLines.join('\n') };
          resolve(this.exit);
        };
        child.once('close', done);
        setTimeout(done, 500).unref();
      });
    });
  }

  /** Throws ServerError START_FAILED when the program cannot be started at all. */
  static async launch(options: LaunchOptions): Promise<ChildServer> {
    const tether = options.tether ? tetherPrefix(options.tether) : [];
    const argv = [...(options.prefix ?? []), ...tether, options.program, ...options.args];
    const child = spawn(argv[0]!, argv.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: options.env ?? process.env,
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => {
        const message = `${options.name}: ${argv[0]} could not be started: ${cause.message}`;
        reject(new ServerError('START_FAILED', message, { cause }));
      });
    });
    const watched = options.tether !== undefined && tether.length === 0;
    const release = watched ? watchFromOutside(child.pid!, options.tether!) : () => undefined;
    return new ChildServer(child, options, release);
  }

  get ended(): ServerExit | undefined {
    return this.exit;
  }

  /** The running server keeps no one's event loop alive: its owner's other work does that. */
  detachFromEventLoop(): void {
    this.child.unref();
    for (const stream of [this.child.stdout, this.child.stderr]) {
      (stream as unknown as { unref?: () => void }).unref?.();
    }
  }

  signal(name: NodeJS.Signals): void {
    if (!this.exit) this.child.kill(name);
  }

  /** Sends each signal in turn and waits for its limit; throws STOP_FAILED after the last. */
  async stop(steps: Array<{ signal: NodeJS.Signals; waitMs: number }>): Promise<void> {
    this.child.ref();
    for (const { signal, waitMs } of steps) {
      if (this.exit) return;
      this.signal(signal);
      if (await waitUntil(() => this.exit !== undefined, waitMs)) return;
    }
    const message = `${this.options.name} (pid ${this.pid}) did not end after ${steps
      .map(({ signal }) => signal)
      .join(', ')}; end it with \`kill -9 ${this.pid}\``;
    throw new ServerError('STOP_FAILED', message);
  }

  get tail(): string {
    return this.tailLines.join('\n');
  }

  private drain(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.tailLines.push(line);
      if (this.tailLines.length > TAIL_LINES) this.tailLines.shift();
      this.options.log?.(line);
    });
  }
}
