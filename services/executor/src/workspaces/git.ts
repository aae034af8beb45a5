/**
 * Runs git for the executor. Owns what every git of ours is protected from: hooks, system and user
 * configuration, helpers that configuration could start, prompts, background work. It never runs in
 * a folder that a step has written: repository, work tree and index are named each time.
 */
import { spawn } from 'node:child_process';

export interface GitPlace {
  /** The folder to start from: a repository of the user, never a work tree of a step. */
  readonly cwd?: string;
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly indexFile?: string;
}

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitOptions extends GitPlace {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are answers; others throw GitError. Default: 0 only. */
  readonly expected?: readonly number[];
}

export class GitError extends Error {
  constructor(
    readonly args: readonly string[],
    readonly code: number | null,
    readonly stderr: string,
  ) {
    const said = stderr.trim().split('\n').slice(-5).join('; ');
    super(`git ${args.join(' ').slice(0, 300)} ended with ${code}: ${said}`);
    this.name = 'GitError';
  }
}

const SETTINGS: Readonly<Record<string, string>> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.untrackedCache': 'false',
  // Both say things about the user's own work tree that are not true of ours.
  'core.sparseCheckout': 'false',
  'core.splitIndex': 'false',
  'protocol.ext.allow': 'never',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'submodule.recurse': 'false',
  'commit.gpgSign': 'false',
  'advice.detachedHead': 'false',
  // The directive names the repository; whose user id owns it says nothing.
  'safe.directory': '*',
};
const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

const LIMIT_MS = 600_000;
const MOST_OUTPUT = 64 * 1024 * 1024;

function environment({ gitDir, workTree, indexFile }: GitPlace): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_AUTHOR_NAME: 'Writ',
    GIT_AUTHOR_EMAIL: 'writ@localhost',
    GIT_COMMITTER_NAME: 'Writ',
    GIT_COMMITTER_EMAIL: 'writ@localhost',
    ...(gitDir === undefined ? {} : { GIT_DIR: gitDir }),
    ...(workTree === undefined ? {} : { GIT_WORK_TREE: workTree }),
    ...(indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile }),
  };
}

/** Runs git to its end. Throws GitError for an exit code that is no answer. */
export function git(args: readonly string[], options: GitOptions): Promise<GitResult> {
  const { cwd, input, env, expected = [0] } = options;
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...settings, ...args], {
      // With a work tree, paths that git reads and says are relative to its top.
      cwd: cwd ?? options.workTree ?? '/',
      env: { ...environment(options), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let bytes = 0;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > MOST_OUTPUT) child.kill('SIGKILL');
        else said[name].push(piece);
      });
    }
    child.stdin.on('error', () => undefined); // it did not want to know
    child.stdin.end(input ?? '');
    child.on('error', (error) => reject(new Error(`git cannot be run: ${error.message}`)));
    child.on('close', (code) => {
      const stdout = Buffer.concat(said.stdout).toString('utf8');
      const stderr = Buffer.concat(said.stderr).toString('utf8');
      if (code !== null && expected.includes(code)) resolve({ code, stdout, stderr });
      else reject(new GitError(args, code, bytes > MOST_OUTPUT ? 'it said too much' : stderr));
    });
  });
}

/** One line of answer; undefined when git says there is none (exit code 1 or 128, quietly). */
export async function gitLine(
  args: readonly string[],
  place: GitPlace,
): Promise<string | undefined> {
  const { code, stdout } = await git(args, { ...place, expected: [0, 1, 128] });
  const line = stdout.split('\n')[0] ?? '';
  return code === 0 && line !== '' ? line : undefined;
}

/** The commit a revision names; undefined when it names none. */
export const commitOf = (revision: string, place: GitPlace): Promise<string | undefined> =>
  gitLine(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], place);

/** Makes a ref that must not exist yet. False when it does by now, or something is in its way. */
export async function createRef(ref: string, commit: string, place: GitPlace): Promise<boolean> {
  const input = `create ${ref} ${commit}\n`;
  const { code, stderr } = await git(['update-ref', '--stdin'], {
    ...place,
    input,
    expected: [0, 1, 128],
  });
  if (code === 0) return true;
  if (/reference already exists|cannot lock ref/.test(stderr)) return false;
  throw new GitError(['update-ref', ref], code, stderr);
}

/** Moves a ref from one commit to another. False when it is elsewhere by now. */
export async function moveRef(
  ref: string,
  to: string,
  from: string,
  place: GitPlace,
): Promise<boolean> {
  const input = `update ${ref} ${to} ${from}\n`;
  const { code, stderr } = await git(['update-ref', '-m', 'writ', '--stdin'], {
    ...place,
    input,
    expected: [0, 1, 128],
  });
  if (code === 0) return true;
  if (/but expected|cannot lock ref|unable to resolve/.test(stderr)) return false;
  throw new GitError(['update-ref', ref], code, stderr);
}

/** Names from output that git ended with NUL each. */
export const splitNul = (text: string): string[] => text.split('\0').filter((it) => it !== '');
