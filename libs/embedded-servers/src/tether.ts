// Ends a server when the process that started it dies, even by kill -9. Where the kernel can do
// it (Linux with util-linux) the server asks for a signal at its parent's death; elsewhere a small
// process holds the end of a pipe and sends the signal when the pipe breaks. To the kernel the
// parent is a thread: start servers from the main one, not from a worker that may end.
import { spawn, spawnSync } from 'node:child_process';

import { PROBE_LIMIT_MS } from './find-executable';

let kernelCan: boolean | undefined;

/** Goes before the program in argv; empty where only the watcher is left. */
export function tetherPrefix(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): string[] {
  kernelCan ??= process.platform === 'linux' && canSetSignal();
  return kernelCan ? ['setpriv', '--pdeathsig', signal.slice(3), '--'] : [];
}

function canSetSignal(): boolean {
  const options = { stdio: 'ignore', timeout: PROBE_LIMIT_MS } as const;
  return spawnSync('setpriv', ['--pdeathsig', 'TERM', '--', 'true'], options).status === 0;
}

// Reads until the pipe ends. A byte before the end says that the server was stopped in order.
const WATCHER = `
  let released = false;
  process.stdin.on('data', () => { released = true; });
  process.stdin.on('end', () => {
    if (!released) { try { process.kill(Number(process.argv[1]), process.argv[2]); } catch {} }
    process.exit(0);
  });
`;

/** Starts the watcher and returns what releases it once the server has ended. */
export function watchFromOutside(pid: number, signal: 'SIGINT' | 'SIGTERM'): () => void {
  const watcher = spawn(process.execPath, ['-e', WATCHER, String(pid), signal], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  });
  watcher.on('error', () => undefined); // the server runs without a tether then
  watcher.stdin.on('error', () => undefined); // the watcher is gone already
  watcher.unref();
  return () => {
    watcher.stdin.end('.');
  };
}
