/** Which gateway a command speaks to: `WRIT_URL`, else the running stack of `WRIT_HOME`. */
import { existsSync, readFileSync } from 'node:fs';

import { isSameProcessAlive } from '@writ/embedded-servers';

import { CliError } from './cli-error';
import { readNote } from './local/claim-home';
import { stackHome, writHome } from './local/stack-home';

/** What `writ up` writes when everything is ready; a contract, see docs/FORMATS.md. */
export interface StackFile {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly gatewayUrl?: string;
  readonly processes: Readonly<Record<string, { readonly pid: number; readonly httpUrl?: string }>>;
}

/** Undefined when there is none, or it cannot be read: then there is no stack to use. */
export function readStackFile(home: string): StackFile | undefined {
  const path = stackHome(home).stackFile;
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as StackFile;
  } catch {
    return undefined;
  }
}

/** The stack of a home, unless its supervisor is gone: then nothing keeps it together any more. */
export function liveStack(home: string): StackFile | undefined {
  const note = readNote(stackHome(home));
  return note !== undefined && !isSameProcessAlive(note.supervisor)
    ? undefined
    : readStackFile(home);
}

export interface Address {
  readonly url: string;
  /** On this machine, so that paths mean the same here and there. */
  readonly local: boolean;
}

/** Throws CliError `no_stack`, or `usage` for a WRIT_URL that is none. */
export function findGateway(env: NodeJS.ProcessEnv = process.env): Address {
  const url = env['WRIT_URL'];
  if (url) return { url: checkedUrl(url), local: false };
  const home = writHome(env);
  const stack = liveStack(home);
  if (stack?.gatewayUrl !== undefined) return { url: stack.gatewayUrl, local: true };
  const message =
    stack === undefined
      ? `no stack is running in ${home}; start one with "writ up", or name one with WRIT_URL`
      : `the stack in ${home} runs without a gateway; start it without --only`;
  throw new CliError('no_stack', message);
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const message = `WRIT_URL is "${text}"; give an address such as http://127.0.0.1:8080`;
    throw new CliError('usage', message);
  }
  if (url.username !== '' || url.password !== '') {
    throw new CliError('usage', 'WRIT_URL holds a user or password; put the token in WRIT_TOKEN');
  }
  return text.replace(/\/+$/, '');
}
