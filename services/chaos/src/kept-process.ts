/**
 * A service as a process that is kept alive as a supervisor would, and made to suffer on command. Owns
 * its signals, its restarts and its log file. It is on a tether: it ends with this process, stopped
 * ones too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tetherPrefix, watchFromOutside } from '@writ/embedded-servers';
import { eventually } from '@writ/testing';

const RESTART_AFTER_MS = 200;
const END_LIMIT_MS = 30_000;

export interface KeptProcessOptions {
  readonly name: string;
  /** The service whose main it is; several processes may be of one service. */
  readonly service: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** It ended without being asked to. */
  readonly fell?: (how: string) => void;
}

export class KeptProcess {
  /** How many times it was started. */
  starts = 0;
  private child: ChildProcess | undefined;
  private isWanted = false;
  private nextEnv: Readonly<Record<string, string>> = {};
  private restart: NodeJS.Timeout | undefined;
  private readonly main: string;

  constructor(private readonly options: KeptProcessOptions) {
    this.main = join(__dirname, '..', '..', options.service, 'bundle', 'main.js');
    if (!existsSync(this.main))
      throw new Error(`${this.main} is missing: run "npm run build" first`);
  }

  get name(): string {
    return this.options.name;
  }

  /** What it says, of all its starts. */
  get logFile(): string {
    return this.options.logFile;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Of its metrics and its health. */
  get httpUrl(): string {
    return `http://127.0.0.1:${this.options.env['HTTP_PORT']}`;
  }

  /** For its next start only: whatever that does to it, it comes back without. */
  next(env: Readonly<Record<string, string>>): void {
    this.nextEnv = env;
  }

  /** Starts it and keeps it alive from now on. */
  up(): void {
    this.isWanted = true;
    if (this.child === undefined) this.spawn();
  }

  /** Waits until it says that it is ready. */
  ready(limitMs = 60_000): Promise<boolean> {
    const url = `${this.httpUrl}/readyz`;
    const look = async () => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
    return eventually(look, {
      what: `${this.name} to be ready (see ${this.options.logFile})`,
      timeoutMs: limitMs,
      every: 100,
    });
  }

  /** Sends a signal; one that ends it is followed by a new start. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Ends it with the signal and leaves it down; resolves when it has ended. */
  async down(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.isWanted = false;
    clearTimeout(this.restart);
    const { child } = this;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    child.kill('SIGCONT');
    const limit = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
    await ended;
    clearTimeout(limit);
  }

  /** Runs it once, to its end; throws with its last words when that is not a good one. */
  async once(): Promise<void> {
    const child = this.spawn();
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      child.once('exit', (...how) => resolve(how));
    });
    if (code === 0) return;
    const words = readFileSync(this.options.logFile, 'utf8').trimEnd().split('\n').slice(-20);
    throw new Error(`${this.name} ended (${code ?? signal}):\n${words.join('\n')}`);
  }

  private spawn(): ChildProcess {
    const tether = tetherPrefix('SIGKILL');
    const [program, ...argv] = [...tether, process.execPath, this.main];
    const log = openSync(this.options.logFile, 'a', 0o600);
    const child = spawn(program!, argv, {
      env: { ...this.options.env, ...this.nextEnv },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.nextEnv = {};
    const release =
      tether.length > 0 || child.pid === undefined
        ? () => undefined
        : watchFromOutside(child.pid, 'SIGTERM');
    this.child = child;
    this.starts += 1;
    child.once('error', (error) => this.options.fell?.(error.message));
    child.once('exit', (code, signal) => {
      release();
      this.child = undefined;
      if (!this.isWanted) return;
      this.options.fell?.(signal ?? `exit code ${code}`);
      this.restart = setTimeout(() => this.isWanted && this.spawn(), RESTART_AFTER_MS);
    });
    return child;
  }
}
