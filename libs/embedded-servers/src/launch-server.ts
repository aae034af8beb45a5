// Brings a server up on a port: the one asked for, or a free one with a new try when another
// process takes it first. Ends with a server that answers, or with an error and no process.
import { setTimeout as delay } from 'node:timers/promises';

import { type ChildServer } from './child-server';
import { freePort, isPortFree, portTaken } from './loopback';
import { ServerError } from './server-error';
import { waitUntil } from './wait-until';

const PORT_ATTEMPTS = 5;
const LEFTOVER_ATTEMPTS = 50;
const LEFTOVER_WAIT_MS = 200;
const START_TIMEOUT_MS = 30_000;

export interface Launch {
  name: string;
  folder: string;
  port: number | undefined;
  startTimeoutMs: number | undefined;
  spawn(port: number): Promise<ChildServer>;
  isReady(child: ChildServer, port: number): boolean | Promise<boolean>;
  stop(child: ChildServer): Promise<void>;
  /** Said by a server that must wait for the last processes of one that was killed. */
  leftover?: RegExp;
}

export async function launchServer(launch: Launch): Promise<{ child: ChildServer; port: number }> {
  if (launch.port !== undefined && !(await isPortFree(launch.port))) {
    throw portTaken(launch.name, launch.port);
  }
  let portsTried = 0;
  let leftoversMet = 0;
  for (;;) {
    const port = launch.port ?? (await freePort());
    const child = await launch.spawn(port);
    const failure = await untilReady(launch, child, port);
    if (!failure) return { child, port };
    await launch.stop(child);
    if (launch.leftover?.test(child.tail) && leftoversMet < LEFTOVER_ATTEMPTS) {
      leftoversMet += 1;
      await delay(LEFTOVER_WAIT_MS);
      continue;
    }
    if (!/could not bind|address already in use/i.test(child.tail)) throw failure;
    portsTried += 1;
    if (launch.port !== undefined || portsTried >= PORT_ATTEMPTS) {
      throw portTaken(launch.name, port);
    }
  }
}

/** Undefined when the server answers, else what went wrong. */
async function untilReady(
  launch: Launch,
  child: ChildServer,
  port: number,
): Promise<ServerError | undefined> {
  const timeoutMs = launch.startTimeoutMs ?? START_TIMEOUT_MS;
  let ready = false;
  await waitUntil(async () => {
    ready = await launch.isReady(child, port);
    return ready || child.ended !== undefined;
  }, timeoutMs);
  if (ready) return undefined;
  const exit = child.ended;
  return exit
    ? new ServerError(
        'START_FAILED',
        `${launch.name} on ${launch.folder} ended at once ` +
          `(${exit.signal ?? `exit ${exit.code}`}): ${exit.tail}`,
      )
    : new ServerError(
        'START_TIMEOUT',
        `${launch.name} on ${launch.folder} did not answer within ${timeoutMs} ms; ` +
          `its last words: ${child.tail || '(none)'}`,
      );
}
