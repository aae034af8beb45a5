/** A stack of its own for a measurement: started with the command line, in a temporary home. */
import { execFile, type ExecFileException } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Stack {
  /** With what a client needs to be let in. */
  readonly natsUrl: string;
  /** By name: postgres, nats, planner, ... */
  readonly pids: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const cli = join(__dirname, '../../cli/dist/main.js');
const startLimitMs = 120_000;

export async function startStack(): Promise<Stack> {
  const home = await mkdtemp(join(tmpdir(), 'writ-bench-'));
  const env = { ...process.env, WRIT_HOME: home, LOG_LEVEL: 'warn' };
  const stop = async () => {
    await run(['down'], env);
    await rm(home, { recursive: true, force: true });
  };
  try {
    await run(['up', '--detach'], env);
    const described = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8')) as {
      natsUrl: string;
      processes: Record<string, { pid: number }>;
    };
    const pids = Object.entries(described.processes).map(([name, { pid }]) => [name, pid]);
    const { natsUrl } = described;
    return { natsUrl, pids: Object.fromEntries(pids), stop };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

function run(argv: string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: ExecFileException | null, _: string, stderr: string) =>
      error === null ? resolve() : reject(new Error(`writ ${argv.join(' ')}: ${stderr.trim()}`));
    execFile(process.execPath, [cli, ...argv], { env, timeout: startLimitMs }, done);
  });
}
