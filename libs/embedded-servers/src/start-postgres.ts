// Starts a private PostgreSQL on loopback over a folder that is kept between starts.
// Owns: the choice of binaries, the folder, the process. Does not own: roles, schemas, signals of
// the calling process (whoever starts it decides when, after its services, to call stop()).
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { ChildServer, type ServerExit } from './child-server';
import { claimFolder } from './folder-claim';
import { freePort, isPortFree, portTaken } from './loopback';
import { findPostgres, type PostgresBinaries } from './postgres-binaries';
import {
  majorVersionOf,
  makeFolder,
  passwordOf,
  serverEnvironment,
  stopOrphan,
} from './postgres-folder';
import { runAs, type RunAs } from './run-as';
import { ServerError } from './server-error';
import { waitUntil } from './wait-until';

const PORT_ATTEMPTS = 5;

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
  /** Disconnects everyone, writes a checkpoint and ends. Safe to call twice. */
  stop(): Promise<void>;
}

/** Throws ServerError; when it throws, no process is left behind. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir);
  const claim = claimFolder(dataDir, 'PostgreSQL');
  try {
    const user = runAs();
    await stopOrphan(dataDir, options.log ?? (() => undefined));
    const binaries = findPostgres(user, majorVersionOf(dataDir));
    makeFolder(dataDir, binaries, user);
    const password = passwordOf(dataDir, binaries, user);
    const { child, port } = await launch(dataDir, binaries, user, options);
    claim.serverStarted(child.pid);
    void child.exited.then(() => claim.release());
    child.detachFromEventLoop();
    return {
      url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
      pid: child.pid,
      port,
      version: binaries.version,
      source: binaries.source,
      exited: child.exited,
      stop: async () => {
        await stopChild(child);
        claim.release();
      },
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

async function launch(
  dataDir: string,
  binaries: PostgresBinaries,
  user: RunAs,
  options: PostgresOptions,
): Promise<{ child: ChildServer; port: number }> {
  if (options.port !== undefined && !(await isPortFree(options.port))) {
    throw portTaken('PostgreSQL', options.port);
  }
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
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
    const failure = await untilReady(child, dataDir, options.startTimeoutMs ?? 30_000);
    if (!failure) return { child, port };
    await stopChild(child);
    if (!/could not bind|address already in use/i.test(child.tail)) throw failure;
    if (options.port !== undefined || attempt >= PORT_ATTEMPTS) throw portTaken('PostgreSQL', port);
  }
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
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...own,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** Undefined when the server takes connections, else what went wrong. */
async function untilReady(
  child: ChildServer,
  dataDir: string,
  timeoutMs: number,
): Promise<ServerError | undefined> {
  let ready = false;
  await waitUntil(() => {
    ready = saysReady(child.pid, dataDir);
    return ready || child.ended !== undefined;
  }, timeoutMs);
  if (ready) return undefined;
  const exit = child.ended;
  return exit
    ? new ServerError(
        'START_FAILED',
        `PostgreSQL on ${dataDir} ended at once (exit ${exit.code ?? exit.signal}): ${exit.tail}`,
      )
    : new ServerError(
        'START_TIMEOUT',
        `PostgreSQL on ${dataDir} was not ready after ${timeoutMs} ms; its last words: ${child.tail}`,
      );
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

function stopChild(child: ChildServer): Promise<void> {
  // SIGINT disconnects clients and writes a checkpoint; SIGQUIT leaves recovery to the next start.
  return child.stop([
    { signal: 'SIGINT', waitMs: 20_000 },
    { signal: 'SIGQUIT', waitMs: 5_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}
