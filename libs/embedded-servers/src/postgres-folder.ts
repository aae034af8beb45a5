// A PostgreSQL data folder before the server runs: made by initdb, its password beside it, and
// free of a server that an earlier owner left behind.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { type PostgresBinaries } from './postgres-binaries';
import { commandLineOf, identityOf, type ProcessIdentity } from './process-identity';
import { giveTo, type RunAs } from './run-as';
import { ServerError } from './server-error';

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
  refuseStrangersFolder(dataDir);
  if (majorVersionOf(dataDir) !== undefined) return giveTo(user, dataDir);
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
    const message = `${dataDir} holds files but is no PostgreSQL data folder; choose another folder`;
    throw new ServerError('START_FAILED', message);
  }
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
        `${(stderr || stdout).trim()}${hintFor(user, dataDir)}`,
    );
  }
  renameSync(draft, dataDir);
}

function hintFor(user: RunAs, dataDir: string): string {
  if (user.uid === undefined) return '';
  return (
    `. User namespaces are closed here, so PostgreSQL runs as user ${user.uid}, who must be able ` +
    `to enter ${dirname(dataDir)}: choose a folder outside a private home, or do not run as root`
  );
}

/** Root may hand a folder over; anyone else needs one of their own. */
function refuseStrangersFolder(dataDir: string): void {
  const self = process.getuid?.();
  const owner = existsSync(dataDir) ? statSync(dataDir).uid : self;
  if (self === owner || self === 0) return;
  throw new ServerError(
    'START_FAILED',
    `${dataDir} belongs to user ${owner} and this process runs as ${self}; ` +
      'run as that user, or choose another folder',
  );
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
 * The server that still runs on the folder, by the note PostgreSQL keeps there. A note that names
 * a stranger's process is removed, for the server would refuse to start over it.
 */
export function serverOn(
  dataDir: string,
  log: (line: string) => void,
): ProcessIdentity | undefined {
  const note = join(dataDir, 'postmaster.pid');
  if (!existsSync(note)) return undefined;
  const pid = Number.parseInt(readFileSync(note, 'utf8'), 10);
  const running = pid > 0 ? identityOf(pid) : undefined;
  // A dead process's note is left to the new server, which checks shared memory by it as well.
  if (!running) return undefined;
  if (runsOn(pid, dataDir)) return running;
  log(`${note} names process ${pid}, which is no server of ours; the note is removed`);
  rmSync(note, { force: true });
  return undefined;
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
