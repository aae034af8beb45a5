// Starts a private PostgreSQL on loopback over a folder that is kept between starts.
// Owns: the choice of binaries, the folder, the process. Does not own: roles, schemas, signals of
// the calling process (whoever starts it decides when, after its services, to call stop()).
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { ChildServer, type ServerExit } from './child-server';
import { claimFolder, type FolderClaim } from './folder-claim';
import { launchServer } from './launch-server';
import { findPostgres, type PostgresBinaries } from './postgres-binaries';
import {
  majorVersionOf,
  makeFolder,
  passwordOf,
  serverEnvironment,
  serverOn,
} from './postgres-folder';
import { runAs, type RunAs } from './run-as';
import { stopOrphan } from './stop-orphan';

export interface PostgresOptions {
  /** Kept between starts; the password lies beside it as `<dataDir>.password`, mode 0600. */
  dataDir: string;
  /** A free one when not given. */
  port?: number;
  /** Gets each line the server writes. */
  log?: (line: string) => void;
  /** The server ends when this process dies, even by kill -9. */
  tetherToParent?: boolean;
  /** Over the launcher's own, for example `{ log_statement: 'all' }`. */
  settings?: Record<string, string>;
  startTimeoutMs?: number;
}

export interface PostgresServer {
  /** Superuser, database `postgres`, loopback, password inside: not for a log line. */
  url: string;
  pid: number;
  port: number;
  version: string;
  source: 'embedded' | 'path';
  /** Resolves when the server has ended, asked or not. */
  exited: Promise<ServerExit>;
  /**
   * Disconnects everyone, writes a checkpoint and ends. Safe to call twice. `immediate` leaves the
   * checkpoint out: the next start recovers, as after a crash.
   */
  stop(how?: { immediate?: boolean }): Promise<void>;
}

/** Makes the data folder and its password file without starting anything, if it is not there. */
export function initPostgres(options: { dataDir: string }): { version: string } {
  const dataDir = resolve(options.dataDir);
  const claim = claimFolder(dataDir, 'PostgreSQL');
  try {
    const user = runAs();
    const binaries = findPostgres(user, majorVersionOf(dataDir));
    makeFolder(dataDir, binaries, user);
    return { version: binaries.version };
  } finally {
    claim.release();
  }
}

/** Throws ServerError; when it throws, no process is left behind. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir);
  const claim = claimFolder(dataDir, 'PostgreSQL');
  try {
    const user = runAs();
    const log = options.log ?? (() => undefined);
    const identity = claim.orphan ?? serverOn(dataDir, log);
    if (identity) {
      const signals: NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGKILL'];
      await stopOrphan({ name: 'PostgreSQL', folder: dataDir, identity, signals }, log);
    }
    const binaries = findPostgres(user, majorVersionOf(dataDir));
    makeFolder(dataDir, binaries, user);
    const password = passwordOf(dataDir, binaries, user);
    const { child, port } = await launch(dataDir, binaries, user, options, claim);
    void child.exited.then(() => claim.release());
    child.detachFromEventLoop();
    return {
      url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
      pid: child.pid,
      port,
      version: binaries.version,
      source: binaries.source,
      exited: child.exited,
      stop: async ({ immediate = false } = {}) => {
        await stopChild(child, immediate);
        claim.release();
      },
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

function launch(
  dataDir: string,
  binaries: PostgresBinaries,
  user: RunAs,
  options: PostgresOptions,
  claim: FolderClaim,
): Promise<{ child: ChildServer; port: number }> {
  return launchServer({
    name: 'PostgreSQL',
    folder: dataDir,
    port: options.port,
    startTimeoutMs: options.startTimeoutMs,
    spawn: async (port) => {
      const child = await ChildServer.launch({
        name: 'PostgreSQL',
        prefix: user.prefix,
        program: binaries.postgres,
        args: ['-D', dataDir, ...settingArgs(port, options.settings)],
        env: serverEnvironment(),
        ...(user.uid === undefined ? {} : { uid: user.uid, gid: user.gid! }),
        log: options.log,
        tether: options.tetherToParent ? 'SIGINT' : undefined,
      });
      claim.runs(child.pid);
      return child;
    },
    isReady: (child) => saysReady(child.pid, dataDir),
    // Of one that was killed: its processes are ending, or nobody has taken note of its own end yet.
    leftover: /pre-existing shared memory block|lock file "postmaster.pid" already exists/,
    stop: async (child) => {
      await stopChild(child);
      claim.runs(undefined);
    },
  });
}

function settingArgs(port: number, own: Record<string, string> = {}): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    wal_level: 'replica',
    fsync: 'on',
    jit: 'off', // compiling a statement takes longer than any of ours runs
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...own,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Line 1 of postmaster.pid is the process, line 8 its state. */
function saysReady(pid: number, dataDir: string): boolean {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false; // not written yet, or removed by a server that ended
  }
}

function stopChild(child: ChildServer, immediate = false): Promise<void> {
  // SIGINT disconnects clients and writes a checkpoint; SIGQUIT leaves recovery to the next start.
  const inOrder = [{ signal: 'SIGINT', waitMs: 20_000 } as const];
  return child.stop([
    ...(immediate ? [] : inOrder),
    { signal: 'SIGQUIT', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}
