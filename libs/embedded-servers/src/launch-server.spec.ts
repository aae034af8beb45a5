import { createServer, type Server } from 'node:net';

import { ChildServer } from './child-server';
import { type Launch, launchServer } from './launch-server';
import { freePort, isPortFree } from './loopback';
import { identityOf } from './process-identity';

/** A server in miniature: it listens on its port, or says why not and ends. */
const MINIATURE = `
  const [port, mode] = process.argv.slice(1);
  if (mode === 'taken') { console.error('bind: address already in use'); process.exit(1); }
  if (mode === 'broken') { console.error('FATAL: no such thing as a teapot'); process.exit(3); }
  if (mode === 'leftover') { console.error('an older one still runs'); process.exit(1); }
  if (mode === 'silent') setInterval(() => {}, 1000);
  else require('node:net').createServer().listen(Number(port), '127.0.0.1');
`;

function miniature(modes: string[], pids: number[], more: Partial<Launch> = {}): Launch {
  return {
    name: 'Miniature',
    folder: '/a/folder',
    port: undefined,
    startTimeoutMs: undefined,
    spawn: async (port) => {
      const mode = modes.shift() ?? 'listen';
      const child = await ChildServer.launch({
        name: 'Miniature',
        program: process.execPath,
        args: ['-e', MINIATURE, String(port), mode],
      });
      pids.push(child.pid);
      return child;
    },
    isReady: async (_child, port) => !(await isPortFree(port)),
    stop: (child) => child.stop([{ signal: 'SIGKILL', waitMs: 5_000 }]),
    ...more,
  };
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve(server));
  });
}

describe('launching a server on a port', () => {
  const pids: number[] = [];
  const living = (): number[] => pids.filter((pid) => identityOf(pid) !== undefined);
  beforeEach(() => pids.splice(0));

  test('a server that loses the race for its port is started again on another', async () => {
    const launch = miniature(['taken', 'taken'], pids);
    const { child, port } = await launchServer(launch);
    expect(pids).toHaveLength(3);
    expect(living()).toEqual([child.pid]);
    expect(await isPortFree(port)).toBe(false);
    await launch.stop(child);
  });

  test('it gives up after five ports', async () => {
    const launch = miniature(Array<string>(9).fill('taken'), pids);
    await expect(launchServer(launch)).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    expect(pids).toHaveLength(5);
    expect(living()).toEqual([]);
  });

  test('a port that was asked for and is taken is refused with the process that has it', async () => {
    const port = await freePort();
    const holder = await listen(port);
    const launched = launchServer(miniature([], pids, { port }));
    await expect(launched).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringMatching(
        new RegExp(`127\\.0\\.0\\.1:${port}.*process ${process.pid} `),
      ),
    });
    expect(pids).toEqual([]);
    holder.close();
  });

  test('a server that ends at once is an error with its last words', async () => {
    await expect(launchServer(miniature(['broken'], pids))).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringMatching(/\/a\/folder .*exit 3.*no such thing as a teapot/),
    });
    expect(pids).toHaveLength(1);
  });

  test('a server that never answers is ended and reported', async () => {
    const launch = miniature(['silent'], pids, { startTimeoutMs: 100 });
    await expect(launchServer(launch)).rejects.toMatchObject({ code: 'START_TIMEOUT' });
    expect(pids).toHaveLength(1);
    expect(living()).toEqual([]);
  });

  test('what a killed server left behind is waited for', async () => {
    const launch = miniature(['leftover'], pids, { leftover: /an older one still runs/ });
    const { child } = await launchServer(launch);
    expect(pids).toHaveLength(2);
    await launch.stop(child);
  });

  test('a program that does not exist is an error that names it', async () => {
    const launched = ChildServer.launch({ name: 'Ghost', program: '/nowhere/ghostd', args: [] });
    await expect(launched).rejects.toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining('/nowhere/ghostd'),
    });
  });
});
