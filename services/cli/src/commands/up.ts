/** Starts the local stack, and stays with it, or leaves it to a process in the background. */
import { nearest } from '@writ/contracts';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';

import { asCliError, CliError, EXIT } from '../cli-error';
import { inWords } from '../file-error';
import type { StackFile } from '../find-stack';
import { type ServiceName, services, stackHome, writHome } from '../local/stack-home';
import { withoutSecrets } from '../local/stack-addresses';
import { startStack } from '../local/start-stack';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { table } from '../view/style';

interface UpOptions extends CommonOptions {
  readonly detach: boolean;
  readonly only?: string[];
  readonly port?: number;
}

/** Set for the process in the background, which reports over its channel. */
const BACKGROUND = 'WRIT_BACKGROUND';

type Report =
  | { told: string }
  | { ready: StackFile }
  | { failed: { code: string; message: string; details?: unknown } };

export async function up(options: UpOptions): Promise<number> {
  const output = new Output(options);
  const only = options.only?.map(serviceNamed);
  if (process.env[BACKGROUND] === '1' && process.send) return background(options, only);
  if (options.detach) {
    print(await detached(output), output);
    output.talk('running in the background; "writ down" stops it');
    return EXIT.ok;
  }
  return foreground(options, only, output);
}

async function foreground(
  options: UpOptions,
  only: ServiceName[] | undefined,
  output: Output,
): Promise<number> {
  const ending = endings();
  const tell = (text: string) => output.talk(text);
  const stack = await startStack({ ...settings(options, only), tell, signal: ending.signal });
  print(stack.file, output);
  output.talk('Ctrl-C stops it');
  await ending.asked;
  output.talk('stopping');
  await stack.stop();
  return EXIT.ok;
}

async function background(options: UpOptions, only: ServiceName[] | undefined): Promise<number> {
  const ending = endings();
  const report = (what: Report) =>
    new Promise<void>((resolve) => {
      if (!process.connected) return resolve();
      process.send!(what, () => resolve());
    });
  const tell = (text: string) => {
    process.stderr.write(`${new Date().toISOString()} ${text}\n`);
    void report({ told: text });
  };
  try {
    const stack = await startStack({ ...settings(options, only), tell, signal: ending.signal });
    await report({ ready: stack.file });
    if (process.connected) process.disconnect();
    await ending.asked;
    tell('stopping');
    await stack.stop();
    return EXIT.ok;
  } catch (error) {
    const { code, message, details } = asCliError(inWords(error, writHome()));
    await report({ failed: { code, message, details } });
    if (process.connected) process.disconnect();
    return EXIT.error;
  }
}

/** The same command again, in the background. Throws what it reports when it fails. */
async function detached(output: Output): Promise<StackFile> {
  const home = stackHome(writHome());
  mkdirSync(home.logs, { recursive: true });
  const log = openSync(home.logOf('supervisor'), 'a', 0o600);
  const child = spawn(process.execPath, process.argv.slice(1), {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, [BACKGROUND]: '1' },
  });
  closeSync(log);
  const interrupt = () => child.kill('SIGTERM');
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const report = await new Promise<Exclude<Report, { told: string }>>((resolve, reject) => {
    child.on('message', (said: Report) => {
      if ('told' in said) output.talk(said.told);
      else resolve(said);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const message = `the supervisor ended with ${signal ?? code}; see ${home.logOf('supervisor')}`;
      resolve({ failed: { code: 'start_failed', message } });
    });
  });
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
  if (child.connected) child.disconnect();
  child.unref();
  if ('ready' in report) return report.ready;
  const { code, message, details } = report.failed;
  throw new CliError(code, message, details);
}

function settings(options: UpOptions, only: ServiceName[] | undefined) {
  const { port = portFromEnvironment(), timeoutMs } = options;
  return { home: writHome(), only, gatewayPort: port, readyWithinMs: timeoutMs };
}

function portFromEnvironment(): number | undefined {
  const text = process.env['WRIT_GATEWAY_PORT'];
  if (!text) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new CliError('usage', `WRIT_GATEWAY_PORT is "${text}"; give a port from 1 to 65535`);
}

function serviceNamed(name: string): ServiceName {
  const known = services.find((it) => it === name);
  if (known !== undefined) return known;
  const near = nearest(name, services);
  const hint = near === undefined ? ';' : `; did you mean "${near}"?`;
  const all = `there are ${services.join(', ')}`;
  throw new CliError('usage', `there is no service "${name}"${hint} ${all}`);
}

/** The first signal asks for the end; the second one ends this process, and the stack with it. */
function endings() {
  const controller = new AbortController();
  const { signal } = controller;
  const asked = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve());
  });
  const heard = () => {
    if (signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, heard);
  return { signal, asked };
}

function print(file: StackFile, output: Output): void {
  if (output.json) {
    output.value(file);
    return;
  }
  const rows = Object.entries(file.processes).map(([name, { pid, httpUrl }]) => [
    name,
    `process ${pid}`,
    httpUrl ?? withoutSecrets(name === 'nats' ? file.natsUrl : file.databaseUrl),
  ]);
  output.data(table(rows).join('\n'));
}
