/**
 * What a simulated program does, written into its argv: so it travels with the step through the log
 * and the messages, and is part of the bundle, as with a real program.
 */

export interface ProgramScript {
  /** Two steps with the same one have the same bundle. */
  readonly id: string;
  readonly ms: number;
  /** `flaky` fails so many times, counted over all executions of its run, and then succeeds. */
  readonly end: 'ok' | 'fail' | 'flaky' | 'hang';
  readonly failures: number;
  readonly exitCode: number;
  /** Ends with KILL only. */
  readonly stubborn: boolean;
  /** What each try says that it has used. */
  readonly costUsd?: number;
}

export interface CheckScript {
  readonly id: string;
  readonly ms: number;
  /** `broken`: it cannot be started, which says nothing about the step. */
  readonly end: 'passed' | 'failed' | 'broken' | 'hang';
}

const PROGRAM = '/simulated/program';
const CHECK = '/simulated/check';

export const argvOfProgram = (script: ProgramScript): string[] => [PROGRAM, JSON.stringify(script)];
/** The same program, as a script for the shell. */
export const shellOfProgram = (script: ProgramScript): string =>
  `${PROGRAM} ${JSON.stringify(script)}`;
export const argvOfCheck = (script: CheckScript): string[] => [CHECK, JSON.stringify(script)];

export function programIn(argv: readonly string[]): ProgramScript {
  const [, option, text = ''] = argv;
  const [name, ...words] = option === '-c' ? text.split(' ') : argv;
  return read([name ?? '', words.join(' ')], PROGRAM) as ProgramScript;
}
export const checkIn = (argv: readonly string[]): CheckScript => read(argv, CHECK) as CheckScript;

function read([name, script = '']: readonly string[], wanted: string): unknown {
  if (name !== wanted) throw new Error(`${name} is no ${wanted}: nothing else can be run here`);
  return JSON.parse(script);
}
