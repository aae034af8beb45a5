// A PostgreSQL data folder before the server runs: made by initdb, its password beside it, and
// free of a server that an earlier owner left behind.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { type PostgresBinaries } from './postgres-binaries';
import { commandLineOf, identityOf, isSameProcessAlive } from './process-identity';
import { giveTo, type RunAs } from './run-as';
import { ServerError } from './server-error';
import { waitUntil } from './wait-until';

/** The major version that wrote the folder, undefined when there is none yet. */
export function majorVersionOf(dataDir: string): number | undefined {
  const file = join(dataDir, 'PG_VERSION');
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined;
}

export function passwordFileOf(dataDir: string): string {
  return `${dataDir}.password`;
}

/** A fresh environment: PGPORT, PGDATA and the like of the caller must not reach the server. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
  if (process.env['LD_LIBRARY_PATH']) env['LD_LIBRARY_PATH'] = process.env['LD_LIBRARY_PATH'];
  return env;
}

/** Makes the folder if it is not there; a crash in the middle leaves nothing half made. */
export function makeFolder(dataDir: string, binaries: PostgresBinaries, user: RunAs): void {
  if (majorVersionOf(dataDir) !== undefined) return giveTo(user, dataDir);
  const draft = `${dataDir}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  const passwordFile = passwordFileOf(dataDir);
  writePassword(passwordFile);
  for (const path of [draft, passwordFile]) giveTo(user, path);
  const { status, stderr, stdout, error } = run(user, binaries.initdb, [
    ...['-D', draft, '-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`],
    ...['--encoding=UTF8', '--locale=C', '--no-instructions'],
  ]);
  if (status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    throw new ServerError(
      'START_FAILED',
      `initdb could not make ${dataDir} (${error?.message ?? `exit ${status}`}): ` +
        `${stderr || stdout}`.trim(),
    );
  }
  try {
    renameSync(draft, dataDir);
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true });
    const message = `${dataDir} holds files but is no PostgreSQL data folder; choose another folder`;
    throw new ServerError('START_FAILED', message, { cause });
  }
}

/** The superuser's password. When its file was lost, a new one is set with the server down. */
export function passwordOf(dataDir: string, binaries: PostgresBinaries, user: RunAs): string {
  const file = passwordFileOf(dataDir);
  if (existsSync(file)) {
    chmodSync(file, 0o600);
    return readFileSync(file, 'utf8').trim();
  }
  const password = writePassword(`${file}.new`);
  const { status, stderr } = run(
    user,
    binaries.postgres,
    ['--single', '-D', dataDir, 'postgres'],
    `ALTER USER postgres PASSWORD '${password}'\n`,
  );
  if (status !== 0) {
    const message = `The password file ${file} is lost and a new one could not be set: ${stderr}`;
    throw new ServerError('START_FAILED', message);
  }
  renameSync(`${file}.new`, file);
  return password;
}

/**
 * Ends a server that still runs on the folder, and removes a note that names a stranger's
 * process. Call it with the claim in hand: whoever started that server is dead.
 */
export async function stopOrphan(dataDir: string, log: (line: string) => void): Promise<void> {
  const note = join(dataDir, 'postmaster.pid');
  if (!existsSync(note)) return;
  const pid = Number.parseInt(readFileSync(note, 'utf8'), 10);
  const orphan = pid > 0 ? identityOf(pid) : undefined;
  if (!orphan || !runsOn(pid, dataDir)) {
    rmSync(note, { force: true });
    return;
  }
  log(`stopping PostgreSQL (pid ${pid}), which an earlier start left running on ${dataDir}`);
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (isSameProcessAlive(orphan)) process.kill(pid, signal);
    if (await waitUntil(() => !isSameProcessAlive(orphan), 10_000)) return;
  }
  throw new ServerError(
    'FOLDER_IN_USE',
    `PostgreSQL (pid ${pid}) runs on ${dataDir} and does not end; end it with \`kill -9 ${pid}\``,
  );
}

/** The server changes into its data folder at start; elsewhere its arguments name it. */
function runsOn(pid: number, dataDir: string): boolean {
  const folder = realpathSync(dataDir);
  try {
    if (readlinkSync(`/proc/${pid}/cwd`) === folder) return true;
  } catch {
    // no /proc here, or the process is another user's: its arguments decide
  }
  const argv = commandLineOf(pid).split(' ');
  return argv.includes(dataDir) || argv.includes(folder);
}

function writePassword(file: string): string {
  const password = randomBytes(24).toString('base64url');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return password;
}

function run(user: RunAs, program: string, args: string[], input?: string) {
  const argv = [...user.prefix, program, ...args];
  return spawnSync(argv[0]!, argv.slice(1), {
    encoding: 'utf8',
    input: input ?? '',
    timeout: 120_000,
    env: serverEnvironment(),
    ...(user.uid === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
}
