/**
 * A directive from its file to its end. Uses the running stack; without one it starts one and stops
 * it again. What is under way when such a stack stops is not lost: it goes on at the next start.
 */
import { asCliError, EXIT } from '../cli-error';
import { liveStack } from '../find-stack';
import { Gateway } from '../gateway-client';
import { writHome } from '../local/stack-home';
import type { Stack } from '../local/start-stack';
import { Output } from '../output';
import type { CommonOptions } from '../program';
import { readForSubmit, submitDirective } from '../submit-directive';
import {
  interruption,
  outcomeOf,
  waitsForPerson,
  watchDirective,
  wayOut,
} from '../watch-directive';
import { printEnd } from './watch';

interface RunOptions extends CommonOptions {
  readonly var: string[];
}

export async function run(file: string, options: RunOptions): Promise<number> {
  const output = new Output(options);
  const remote = Boolean(process.env['WRIT_URL']);
  const read = readForSubmit(file, options.var, !remote);
  const { signal, release } = interruption();
  let own: Stack | undefined;
  let id: string | undefined;
  try {
    if (!remote && liveStack(writHome()) === undefined) {
      output.talk(`no stack is running; starting one in ${writHome()}`);
      own = await startOwn(output, signal);
    }
    const gateway = own ? gatewayOf(own) : Gateway.find((text) => output.talk(text));
    id = (await submitDirective(gateway, file, read)).directiveId;
    output.talk(`submitted ${id}`);
    const watching = { ...options, output, signal, leaveWaiting: true };
    const directive = await watchDirective(gateway, id, watching);
    printEnd(directive, output);
    if (waitsForPerson(directive)) output.talk(wayOut(directive).join('\n'));
    return outcomeOf(directive);
  } catch (error) {
    if (asCliError(error).exitCode !== EXIT.interrupted && !signal.aborted) throw error;
    output.talk(whatNow(id, own !== undefined));
    return EXIT.interrupted;
  } finally {
    if (own !== undefined) {
      output.talk('stopping the stack');
      await own.stop();
    }
    release();
  }
}

export async function startOwn(
  output: Output,
  signal: AbortSignal,
  home = writHome(),
): Promise<Stack> {
  const { startStack } = require('../local/start-stack') as typeof import('../local/start-stack');
  return startStack({ home, signal, tell: (text) => output.talk(text) });
}

export function gatewayOf({ file }: Stack): Gateway {
  return new Gateway({ url: file.gatewayUrl!, token: process.env['WRIT_TOKEN'] });
}

function whatNow(id: string | undefined, stops: boolean): string {
  if (id === undefined) return '\nleft before anything was submitted';
  return stops
    ? `\nleft; the stack of this command stops, and ${id} goes on when one runs again: writ up, then writ watch ${id}`
    : `\nleft; ${id} goes on. Come back with: writ watch ${id}`;
}
