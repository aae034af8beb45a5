/**
 * The check `detected`: the checks that the files of the repository ask for, each with a result of
 * its own. What is missing around them (tools, dependencies, servers) is an error of the check and
 * says nothing about the step.
 */
import type { CheckOf } from '@writ/contracts';
import { detectChecks } from '../detection/detect-checks';
import type { Detected } from '../detection/detected';
import type { RepositoryFiles } from '../detection/repository-files';
import { checkProgram } from './check-program';
import type { CheckContext, Verdict } from './verdict';

/** A program in a script is not there, or may not be run. */
const NOT_FOUND = [126, 127];
/** Nobody watches, nobody answers; and what does not ask for HOME has one too. */
const environmentIn = (home: string) => ({
  CI: 'true',
  NO_COLOR: '1',
  MAVEN_OPTS: `-Duser.home=${home}`,
  GRADLE_USER_HOME: `${home}/.gradle`,
});

export const NOTHING_DETECTED =
  'nothing at the top of the workspace says how to check it; name checks in verify';

export interface DetectedHere {
  readonly files: RepositoryFiles;
  readonly found: readonly Detected[];
}

export async function detectIn(
  { only }: CheckOf<'detected'>,
  { root, readRepository }: CheckContext,
): Promise<DetectedHere> {
  const files = await readRepository(root);
  return { files, found: detectChecks(files, only) };
}

export async function checkDetected(
  { timeoutMs }: CheckOf<'detected'>,
  { argv, needs, couldNot = {} }: Detected,
  { names }: RepositoryFiles,
  context: CheckContext,
): Promise<Verdict> {
  const command = [...argv];
  if (needs !== undefined && !names.has(needs)) {
    const message = `what it depends on is not there: the workspace has no ${needs}`;
    return { outcome: 'error', message, argv: command, exitCode: null };
  }
  const check = {
    kind: 'program',
    argv: command,
    env: environmentIn(context.scratch),
    timeoutMs,
  } as const;
  const verdict = await checkProgram(check, context);
  const { outcome, exitCode, log = '' } = verdict;
  if (outcome !== 'failed' || exitCode === null || exitCode === undefined) return verdict;
  const said = couldNot.says?.exec(log)?.[0];
  if (NOT_FOUND.includes(exitCode)) return couldNotRun(verdict, 'a program of it is not there');
  if (said !== undefined) return couldNotRun(verdict, said.trim());
  return couldNot.exitCodes?.includes(exitCode)
    ? couldNotRun(verdict, 'it could not work')
    : verdict;
}

const couldNotRun = (verdict: Verdict, because: string): Verdict => ({
  ...verdict,
  outcome: 'error',
  message: `${verdict.message}: ${because}`,
});
