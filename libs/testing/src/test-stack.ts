/**
 * A whole stack for an end-to-end test: what `writ up` starts, in a temporary home, driven through
 * the command line as a user would. Needs the build (`npm test` makes it before the tests).
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StackFile {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly gatewayUrl: string;
  readonly processes: Readonly<Record<string, { pid: number; httpUrl?: string }>>;
}

const cli = resolve(__dirname, '../../../services/cli/dist/main.js');
const commandLimitMs = 120_000;

/** Runs the command line once; never throws for an exit code. */
export function writ(
  argv: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; limitMs?: number } = {},
): Promise<CommandResult> {
  if (!existsSync(cli)) throw new Error(`${cli} is missing: run "npm run build" first`);
  const { env = {}, cwd, limitMs = commandLimitMs } = options;
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [cli, ...argv], {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text.stdout += piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (text.stderr += piece));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      const said = `${text.stdout}\n${text.stderr}`;
      reject(new Error(`writ ${argv.join(' ')} did not end within ${limitMs} ms:\n${said}`));
    }, limitMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      done({ code, ...text });
    });
  });
}

export class TestStack {
  private constructor(
    readonly home: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async start(env: NodeJS.ProcessEnv = {}): Promise<TestStack> {
    const home = await mkdtemp(join(tmpdir(), 'writ-e2e-'));
    const stack = new TestStack(home, { ...env, WRIT_HOME: join(home, '.writ') });
    const up = await stack.writ(['up', '--detach']);
    if (up.code === 0) return stack;
    await stack.stop();
    throw new Error(`writ up ended with ${up.code}:\n${up.stdout}\n${up.stderr}`);
  }

  writ(argv: readonly string[], options: { cwd?: string; limitMs?: number } = {}) {
    return writ(argv, { cwd: this.home, ...options, env: this.env });
  }

  /** Runs a command with `--json`, expects success, and parses what it printed. */
  async json<T>(argv: readonly string[], options: { cwd?: string } = {}): Promise<T> {
    const { code, stdout, stderr } = await this.writ([...argv, '--json'], options);
    if (code !== 0) throw new Error(`writ ${argv.join(' ')} ended with ${code}:\n${stderr}`);
    return JSON.parse(stdout) as T;
  }

  async file(): Promise<StackFile> {
    return JSON.parse(await readFile(join(this.home, '.writ/stack.json'), 'utf8')) as StackFile;
  }

  /** Kills one process of the stack with -9; the supervisor starts a service again. */
  async kill(name: string): Promise<void> {
    const pid = (await this.file()).processes[name]?.pid;
    if (pid === undefined) throw new Error(`the stack has no process ${name}`);
    process.kill(pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    const down = await this.writ(['down']);
    if (down.code !== 0) throw new Error(`writ down ended with ${down.code}:\n${down.stderr}`);
    await rm(this.home, { recursive: true, force: true });
  }
}
