/**
 * A service as a process of its own. Owns its environment, its output and the signals it gets. It is
 * in a process group of its own, so that Ctrl-C reaches the supervisor alone, which knows the order;
 * and on a tether, so that it ends when the supervisor is killed.
 */
import { tetherPrefix, watchFromOutside } from '@writ/embedded-servers';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { CliError } from '../cli-error';
import type { LogFile } from './log-file';
import type { Running } from './supervised';

const READY_EVERY_MS = 50;

export interface ServiceProcess extends Running {
  readonly httpUrl: string;
  kill(signal: NodeJS.Signals): void;
}

/** The built main of a service, beside this package. */
export function serviceMain(name: string): string {
  const path = join(__dirname, '..', '..', '..', name, 'bundle', 'main.js');
  if (existsSync(path)) return path;
  throw new CliError('not_built', `${path} is missing; build it first with: npm run build`);
}

/**
 * Messages live for a moment: in a larger nursery most are gone before they are looked at. It grows
 * under load only. As in `deploy/docker/Dockerfile`.
 */
const NODE_FLAGS = ['--max-semi-space-size=64'];

/** What a service sees of our environment: not the owner's database, nothing that changes Node. */
export function serviceEnvironment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const hidden =
    /^(DATABASE_URL|PGPASSWORD|NATS_(URL|TOKEN)|WRIT_(HOME|URL|TOKEN|BACKGROUND|.*_PASSWORD)|HTTP_(HOST|PORT)|NODE_OPTIONS|GIT_.*|npm_.*)$/;
  const inherited = Object.entries(process.env).filter(([name]) => !hidden.test(name));
  return { ...Object.fromEntries(inherited), ...own };
}

/** A service that has loaded its code and waits to be told with which variables it begins. */
export interface StandingBy {
  begin(environment: Readonly<Record<string, string>>): ServiceProcess;
  kill(signal: NodeJS.Signals): void;
}

/** Its passwords go over a pipe: nobody reads them off the process. */
export async function standBy(name: string, log: LogFile): Promise<StandingBy> {
  const { child, ended } = await launch(name, serviceEnvironment({ WRIT_STANDBY: '1' }), log);
  child.stdin.on('error', () => undefined); // it has ended, which is told by that
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  return {
    kill,
    begin: (environment) => {
      child.stdin.end(`${JSON.stringify(environment)}\n`);
      const httpUrl = `http://127.0.0.1:${environment['HTTP_PORT']}`;
      return { pid: child.pid!, httpUrl, ended, kill };
    },
  };
}

async function launch(name: string, env: NodeJS.ProcessEnv, log: LogFile) {
  const tether = tetherPrefix('SIGTERM');
  const [program, ...argv] = [...tether, process.execPath, ...NODE_FLAGS, serviceMain(name)];
  const child = spawn(program!, argv, { env, stdio: 'pipe', detached: true });
  await spawned(child, name);
  const release = tether.length > 0 ? () => undefined : watchFromOutside(child.pid!, 'SIGTERM');
  for (const stream of [child.stdout, child.stderr]) drain(stream, log);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      release();
      resolve(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`);
    });
  });
  return { child, ended };
}

function spawned(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      const message = `${name} could not be started: ${cause.message}`;
      reject(new CliError('start_failed', message, undefined, { cause }));
    });
  });
}

function drain(stream: Readable, log: LogFile): void {
  createInterface({ input: stream }).on('line', (line) => log.line(line));
}

/** Runs a program of ours to its end. Throws CliError with its last words. */
export async function runToEnd(
  name: string,
  environment: NodeJS.ProcessEnv,
  log: LogFile,
): Promise<void> {
  const { child, ended } = await launch(name, environment, log);
  child.stdin.end();
  const how = await ended;
  if (how === 'ended with exit code 0') return;
  // What it said last may still be in the pipe.
  await new Promise((resolve) => setTimeout(resolve, 100));
  throw new CliError('start_failed', `the ${name} ${how}:\n${indented(log.lastLines)}`);
}

/** Asks until the service says that it is ready. Throws CliError when it ends or time is up. */
export async function untilReady(
  name: string,
  running: ServiceProcess,
  log: LogFile,
  deadline: number,
  signal?: AbortSignal,
): Promise<void> {
  let how: string | undefined;
  void running.ended.then((words) => (how = words));
  let said = 'it does not answer';
  while (performance.now() < deadline && !signal?.aborted) {
    if (how !== undefined) {
      throw new CliError('start_failed', `the ${name} ${how}:\n${indented(log.lastLines)}`);
    }
    try {
      const response = await fetch(`${running.httpUrl}/readyz`, {
        signal: AbortSignal.timeout(2_000),
      });
      if (response.ok) return;
      said = await response.text();
    } catch {
      said = 'it does not answer';
    }
    await new Promise((resolve) => setTimeout(resolve, READY_EVERY_MS));
  }
  if (signal?.aborted) throw new CliError('interrupted', 'interrupted while starting');
  const words = `the ${name} was not ready in time (${said}); it said last:`;
  throw new CliError('timeout', `${words}\n${indented(log.lastLines)}`);
}

function indented(text: string): string {
  return text === '' ? '  (nothing)' : text.split('\n').map(readable).join('\n');
}

/** Services log lines of JSON; whoever waits for the stack wants their words. */
function readable(line: string): string {
  try {
    const { level, message, err } = JSON.parse(line) as Record<string, unknown>;
    const reason = (err as { message?: unknown } | undefined)?.message;
    return `  ${String(level)}: ${String(message)}${reason === undefined ? '' : `: ${String(reason)}`}`;
  } catch {
    return `  ${line}`;
  }
}
