/**
 * PostgreSQL and NATS of a stack, in the form in which its supervisor keeps processes alive. On a
 * tether: they end with the supervisor, however that ends.
 */
import { startNats, startPostgres } from '@writ/embedded-servers';

import type { StackHome } from './stack-home';
import type { Running } from './supervised';

export interface Server extends Running {
  readonly url: string;
  stop(): Promise<void>;
}

type Log = (line: string) => void;

export async function ownPostgres(home: StackHome, port: number, log: Log): Promise<Server> {
  const options = { dataDir: home.postgres, port, log, tetherToParent: true };
  const { url, pid, exited, stop } = await startPostgres(options);
  return { url, pid, ended: exited.then(howItEnded), stop: () => stop() };
}

export async function ownNats(
  home: StackHome,
  port: number,
  token: string,
  log: Log,
): Promise<Server> {
  const options = { storeDir: home.nats, port, token, log, tetherToParent: true };
  const { url, pid, exited, stop } = await startNats(options);
  return { url, pid, ended: exited.then(howItEnded), stop };
}

function howItEnded({ code, signal }: { code: number | null; signal: string | null }): string {
  return signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
}
