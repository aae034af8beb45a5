/**
 * The check `program`: it ends with exit code 0. A program that cannot be started is an error of the
 * check. One that takes too long has failed: the limit is part of what the check asks, and a change
 * that makes the tests hang must not count as unknown.
 */
import type { CheckOf } from '@writ/contracts';
import { absenceOf, lookAt } from './find-files';
import { type ProgramEnd, ProgramNotStarted } from './run-program';
import { CheckTrouble, type CheckContext, type Verdict } from './verdict';
import { join } from 'node:path';

type ProgramCheck = CheckOf<'program'>;

const DEFAULT_TIMEOUT_MS = 600_000;
const INPUTS = '${inputs}';

/** Whether it names the folder of the step's inputs. */
export const wantsInputs = ({ argv, env }: ProgramCheck): boolean =>
  [...argv, ...Object.values(env ?? {})].some((text) => text.includes(INPUTS));

export async function checkProgram(check: ProgramCheck, context: CheckContext): Promise<Verdict> {
  const { root, scratch, readOnlyPaths, environment, inputs, signal } = context;
  const timeoutMs = check.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const cwd = await folderOf(root, check.cwd);
  const resolved = (text: string) =>
    inputs === undefined ? text : text.replaceAll(INPUTS, () => inputs);
  const own = Object.fromEntries(
    Object.entries(check.env ?? {}).map(([name, value]) => [name, resolved(value)]),
  );
  try {
    const end = await context.runProgram({
      argv: check.argv.map(resolved),
      cwd,
      env: { ...environment, HOME: scratch, TMPDIR: scratch, ...own },
      timeoutMs,
      readOnlyPaths: [...readOnlyPaths, ...(inputs === undefined ? [] : [inputs])],
      writablePaths: [root, scratch],
      signal,
    });
    return {
      outcome: end.exitCode === 0 && !end.timedOut ? 'passed' : 'failed',
      message: messageOf(end, timeoutMs),
      log: end.output,
      argv: check.argv,
      exitCode: end.exitCode,
      ...(end.signal === null ? {} : { signal: end.signal }),
      sandbox: end.sandbox,
    };
  } catch (error) {
    if (!(error instanceof ProgramNotStarted)) throw error;
    return {
      outcome: 'error',
      message: error.message,
      argv: check.argv,
      exitCode: null,
    };
  }
}

function messageOf({ exitCode, signal, timedOut }: ProgramEnd, timeoutMs: number): string {
  if (timedOut) return `it took longer than ${timeoutMs} ms and was ended`;
  return signal === null ? `it ended with exit code ${exitCode}` : `it was ended by ${signal}`;
}

async function folderOf(root: string, cwd: string | undefined): Promise<string> {
  if (cwd === undefined) return root;
  const place = await lookAt(root, cwd);
  if (place.kind === 'missing' || place.kind === 'outside') {
    throw new CheckTrouble(`the folder ${cwd} ${absenceOf(place)}`);
  }
  if (place.kind === 'file') throw new CheckTrouble(`${cwd} is a file, not a folder`);
  return join(root, cwd);
}
