// A NATS server of a spec file's own, to stop, kill, wipe and bring back at the same address.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type NatsServer, startNats } from '@writ/embedded-servers';

import { eventually } from './eventually';

export interface TestNats {
  url: string;
  storeDir: string;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL; the folder stays. */
  kill(): Promise<void>;
  /** SIGSTOP; resolves when the server does stand still. */
  standStill(): Promise<void>;
  /** SIGCONT. */
  goOn(): void;
  /** Stops the server if it runs and starts it at the same address, with `wipe` on nothing. */
  restart(how?: { wipe?: boolean }): Promise<void>;
}

export async function testNats(): Promise<TestNats> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-test-nats-'));
  const storeDir = join(folder, 'store');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const start = (port?: number): Promise<NatsServer> =>
    startNats({ storeDir, tetherToParent: true, ...(port === undefined ? {} : { port }) });
  let server: NatsServer;
  try {
    server = await start();
  } catch (error) {
    remove();
    throw error;
  }
  return {
    url: server.url,
    storeDir,
    stop: async () => {
      await server.stop();
      remove();
    },
    kill: () => server.kill(),
    standStill: async () => {
      process.kill(server.pid, 'SIGSTOP');
      await eventually(() => stateOf(server.pid).startsWith('T'), { what: 'the server to stop' });
    },
    goOn: () => void process.kill(server.pid, 'SIGCONT'),
    restart: async ({ wipe = false } = {}) => {
      await server.stop();
      if (wipe) rmSync(storeDir, { recursive: true, force: true });
      server = await start(server.port);
    },
  };
}

const stateOf = (pid: number): string =>
  execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
