// Ports on 127.0.0.1: which are free, and who holds one that is not.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

import { PROBE_LIMIT_MS } from './find-executable';
import { commandLineOf } from './process-identity';
import { ServerError } from './server-error';

// Below the range from which systems take the ports of outgoing connections, so that a server
// that is stopped for a moment finds its port free again.
const LOWEST = 20_000;
const HIGHEST = 32_767;

/** A port nobody listens on now. Another may take it before you do: be ready to ask again. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (await isPortFree(port)) return port;
  }
  throw new ServerError(
    'PORT_TAKEN',
    `100 ports tried between ${LOWEST} and ${HIGHEST} on 127.0.0.1 are all taken; name one yourself`,
  );
}

export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      probe.close(() => resolve(true));
    });
  });
}

/** PORT_TAKEN, naming the process where the system lets us see it. */
export function portTaken(server: string, port: number): ServerError {
  const holder = holderOf(port);
  const who = holder
    ? `process ${holder.pid} (${holder.command.slice(0, 120)})`
    : 'another process (of another user, or hidden)';
  return new ServerError(
    'PORT_TAKEN',
    `${server} cannot listen on 127.0.0.1:${port}: ${who} listens there; ` +
      `stop it${holder ? ` (\`kill ${holder.pid}\`)` : ''} or choose another port`,
  );
}

export function holderOf(port: number): { pid: number; command: string } | undefined {
  const pid = process.platform === 'linux' ? listenerLinux(port) : listenerElsewhere(port);
  return pid === undefined ? undefined : { pid, command: commandLineOf(pid) };
}

function listenerLinux(port: number): number | undefined {
  const sockets = new Set<string>();
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of attempt(() => readFileSync(table, 'utf8').split('\n').slice(1), [])) {
      const fields = line.trim().split(/\s+/);
      // 0A is LISTEN; the tenth field is the socket's inode.
      if (fields[3] === '0A' && fields[1]?.endsWith(`:${hexPort}`)) {
        sockets.add(`socket:[${fields[9]}]`);
      }
    }
  }
  if (sockets.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`), [])) {
      if (sockets.has(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''))) return Number(pid);
    }
  }
  return undefined;
}

function listenerElsewhere(port: number): number | undefined {
  const args = ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'];
  const { stdout } = spawnSync('lsof', args, { encoding: 'utf8', timeout: PROBE_LIMIT_MS });
  const pid = Number((stdout ?? '').trim().split('\n')[0]);
  return pid > 0 ? pid : undefined;
}

/** Processes end and belong to others while one looks: what cannot be read is not there. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
