// Starts a private NATS server with JetStream on loopback over a folder that may be kept.
// Owns: the choice of the binary, its configuration file, the process. Does not own: streams and
// consumers, which their users make and make again.
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';

import { ChildServer, type ServerExit } from './child-server';
import { claimFolder, type FolderClaim } from './folder-claim';
import { launchServer } from './launch-server';
import { findNats, isAtLeast, type NatsBinary } from './nats-binary';
import { stopOrphan } from './stop-orphan';

export interface NatsOptions {
  /** JetStream's files; the configuration lies beside it as `<storeDir>.conf`, mode 0600. */
  storeDir: string;
  /** A free one when not given. */
  port?: number;
  /** Clients must give it; without one any local process may connect. */
  token?: string;
  /** HTTP monitoring on loopback; off when not given. */
  monitoringPort?: number;
  /** Gets each line the server writes. */
  log?: (line: string) => void;
  /** The server ends when this process dies, even by kill -9. */
  tetherToParent?: boolean;
  startTimeoutMs?: number;
}

export interface NatsServer {
  /** Without the token. */
  url: string;
  pid: number;
  port: number;
  version: string;
  source: NatsBinary['source'];
  /** Resolves when the server has ended, asked or not. */
  exited: Promise<ServerExit>;
  /** Safe to call twice. */
  stop(): Promise<void>;
  /** SIGKILL, for tests of what a crash does. */
  kill(): Promise<void>;
}

/** Throws ServerError; when it throws, no process is left behind. */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const storeDir = resolve(options.storeDir);
  const log = options.log ?? (() => undefined);
  const claim = claimFolder(storeDir, 'NATS');
  try {
    if (claim.orphan) {
      const signals: NodeJS.Signals[] = ['SIGTERM', 'SIGKILL'];
      await stopOrphan({ name: 'NATS', folder: storeDir, identity: claim.orphan, signals }, log);
    }
    const binary = findNats(log);
    mkdirSync(storeDir, { recursive: true, mode: 0o700 });
    const { child, port } = await launch(storeDir, binary, options, claim);
    void child.exited.then(() => claim.release());
    child.detachFromEventLoop();
    const end = (how: (child: ChildServer) => Promise<void>) => async () => {
      await how(child);
      claim.release();
    };
    return {
      url: `nats://127.0.0.1:${port}`,
      pid: child.pid,
      port,
      version: binary.version,
      source: binary.source,
      exited: child.exited,
      stop: end(stopChild),
      kill: end((server) => server.stop([{ signal: 'SIGKILL', waitMs: 5_000 }])),
    };
  } catch (error) {
    claim.release();
    throw error;
  }
}

/** As in `deploy/nats/nats.conf`: more than what the streams in memory reserve. */
const MEMORY_STORE = 1024 ** 3;

/**
 * Its heap is small and its garbage plenty: collected when the heap has grown fivefold and not
 * twofold, a sixth of the server's time is saved for some tens of MiB. What its streams in memory may
 * hold at most is no small heap: from there on memory is worth more than time.
 */
const garbage = { GOGC: '400', GOMEMLIMIT: '768MiB' };

function launch(
  storeDir: string,
  binary: NatsBinary,
  options: NatsOptions,
  claim: FolderClaim,
): Promise<{ child: ChildServer; port: number }> {
  // A name nobody can guess: whatever answers to it on the port is the server we started.
  const serverName = `writ-${randomBytes(8).toString('hex')}`;
  const configFile = `${storeDir}.conf`;
  return launchServer({
    name: 'NATS',
    folder: storeDir,
    port: options.port,
    startTimeoutMs: options.startTimeoutMs,
    spawn: async (port) => {
      const config = configuration(serverName, storeDir, port, binary.version, options);
      writeFileSync(configFile, config, { mode: 0o600 });
      const child = await ChildServer.launch({
        name: 'NATS',
        program: binary.file,
        args: ['--config', configFile],
        env: { ...garbage, ...process.env },
        log: options.log,
        tether: options.tetherToParent ? 'SIGTERM' : undefined,
      });
      claim.runs(child.pid);
      return child;
    },
    isReady: (_child, port) => answersAs(serverName, port),
    stop: async (child) => {
      await stopChild(child);
      claim.runs(undefined);
    },
  });
}

/** NATS reads JSON as its configuration. max_payload stays at the server's 1 MiB. */
function configuration(
  serverName: string,
  storeDir: string,
  port: number,
  version: string,
  { token, monitoringPort }: NatsOptions,
): string {
  // Else it takes its share of GOMEMLIMIT, which is less than the streams ask for.
  const jetstream: Record<string, unknown> = {
    store_dir: storeDir,
    max_memory_store: MEMORY_STORE,
  };
  // Older servers stop at a word they do not know; they sync every two minutes.
  if (isAtLeast(version, 2, 10)) jetstream['sync_interval'] = 'always';
  const config: Record<string, unknown> = {
    server_name: serverName,
    host: '127.0.0.1',
    port,
    jetstream,
  };
  if (token !== undefined) config['authorization'] = { token };
  if (monitoringPort !== undefined) config['http'] = `127.0.0.1:${monitoringPort}`;
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** The server greets with a line INFO {...}; JetStream is up by then. */
function answersAs(serverName: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let greeting = '';
    const done = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(1_000, () => done(false));
    socket.on('error', () => done(false));
    socket.on('close', () => done(false));
    socket.on('data', (bytes) => {
      greeting += bytes.toString('utf8');
      if (greeting.includes('\n')) done(greeting.includes(`"${serverName}"`));
    });
  });
}

function stopChild(child: ChildServer): Promise<void> {
  return child.stop([
    { signal: 'SIGTERM', waitMs: 10_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}
