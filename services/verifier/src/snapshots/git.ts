/** Runs git for a service: no hooks, no configuration but the repository's own, no questions. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TIME_LIMIT_MS = 300_000;
const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'protocol.ext.allow=never',
  'safe.directory=*',
  'advice.detachedHead=false',
].flatMap((setting) => ['-c', setting]);

export class GitFailed extends Error {
  constructor(
    readonly exitCode: number | undefined,
    command: string,
    readonly output: string,
  ) {
    super(`git ${command} failed: ${output}`);
    this.name = 'GitFailed';
  }
}

/** Returns what it prints. Throws GitFailed. */
export async function git(repository: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', [...settings, ...args], {
      cwd: repository,
      timeout: TIME_LIMIT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 16 * 1024 * 1024,
      env: {
        PATH: process.env['PATH'] ?? '',
        LC_ALL: 'C',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_TERMINAL_PROMPT: '0',
      },
    });
    return stdout.trim();
  } catch (error) {
    const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
    const said = stderr?.trim() || message;
    throw new GitFailed(typeof code === 'number' ? code : undefined, args[0] ?? '', said);
  }
}
