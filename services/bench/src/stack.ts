/**
 * A stack of its own for a measurement, in a temporary home: started, stopped and mistreated through
 * the command line and by the ids of its processes.
 */
import { execFile, type ExecFileException } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentOf, withChildren } from './usage';

interface StackFile {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly gatewayUrl?: string;
  readonly processes: Readonly<Record<string, { pid: number; httpUrl?: string }>>;
}

const cli = join(__dirname, '../../cli/dist/main.js');
const commandLimitMs = 300_000;
const servers: readonly string[] = ['postgres', 'nats'];

export class Stack {
  private readonly folder = mkdtempSync(join(tmpdir(), 'writ-bench-'));
  private readonly home = join(this.folder, 'stack');
  private readonly env: NodeJS.ProcessEnv = {
    ...process.env,
    WRIT_HOME: this.home,
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn',
  };

  /** Starts the servers and all services, or some; returns how long it took until all were ready. */
  async up(only: readonly string[] = []): Promise<number> {
    const began = performance.now();
    await this.writ(['up', '--detach', ...(only.length > 0 ? ['--only', only.join(',')] : [])]);
    return performance.now() - began;
  }

  /** Stops everything; what is stored stays. */
  async down(): Promise<void> {
    await this.writ(['down']);
  }

  async remove(): Promise<void> {
    await this.down().finally(() => rm(this.folder, { recursive: true, force: true }));
  }

  /** A new folder for steps to work in: beside the stack's own, which they may not see. */
  workFolder(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path);
    return path;
  }

  get databaseUrl(): string {
    return this.file.databaseUrl;
  }

  /** With what a client needs to be let in. */
  get natsUrl(): string {
    return this.file.natsUrl;
  }

  get gatewayUrl(): string {
    return this.file.gatewayUrl ?? '';
  }

  /** By name: postgres, nats, planner, ... */
  get pids(): Readonly<Record<string, number>> {
    const all = Object.entries(this.file.processes).map(([name, { pid }]) => [name, pid]);
    return Object.fromEntries(all) as Record<string, number>;
  }

  /** What a service tells Prometheus. */
  async metrics(service: string): Promise<string> {
    const url = this.file.processes[service]?.httpUrl;
    return (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
  }

  /** With -9; the supervisor starts it again. */
  kill(name: string): void {
    const pid = this.pids[name];
    if (pid === undefined) throw new Error(`the stack has no process ${name}`);
    process.kill(pid, 'SIGKILL');
  }

  /** With -9: the supervisor, PostgreSQL with all its processes, NATS, the services. */
  killEverything(): void {
    const { pids } = this;
    const services = Object.keys(pids).filter((name) => !servers.includes(name));
    const supervisor = parentOf(pids[services[0] ?? ''] ?? 0);
    const doomed = [...(supervisor === undefined ? [] : [supervisor]), ...Object.values(pids)];
    for (const pid of doomed.flatMap((root) => (root === supervisor ? root : withChildren(root)))) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended with one of those before it.
      }
    }
  }

  /** `writ` with this stack; its stdout. */
  writ(argv: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const done = (error: ExecFileException | null, stdout: string, stderr: string) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`writ ${argv.join(' ')}: ${stderr.trim() || error.message}`));
      };
      const options = { env: this.env, timeout: commandLimitMs, maxBuffer: 64 * 1024 * 1024 };
      execFile(process.execPath, [cli, ...argv], options, done);
    });
  }

  private get file(): StackFile {
    return JSON.parse(readFileSync(join(this.home, 'stack.json'), 'utf8')) as StackFile;
  }
}
