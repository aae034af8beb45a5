/** Starts a program of ours from its sources, as a process of its own: for tests that kill or stop it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';

const loader = resolve(__dirname, '../../../.config/from-sources.cjs');

/** `path` from the root of the tree; `env` is all of its environment. */
export function startFromSources(path: string, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [loader, path], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}
