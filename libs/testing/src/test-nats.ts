// A NATS server of a spec file's own, to stop, kill, wipe and bring back at the same address.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type NatsServer, startNats } from '@writ/embedded-servers';

export interface TestNats {
  url: string;
  storeDir: string;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL; the folder stays. */
  kill(): Promise<void>;
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
    restart: async ({ wipe = false } = {}) => {
      await server.stop();
      if (wipe) rmSync(storeDir, { recursive: true, force: true });
      server = await start(server.port);
    },
  };
}
