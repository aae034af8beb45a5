/** `program`: an argv, never through a shell. */
import type { ProgramAdapter } from './adapter';

export const program: ProgramAdapter<'program'> = {
  version: '1',
  inProcess: false,
  command: ({ argv, cwd, env, stdin, stdoutTo }) => ({ argv, cwd, env, stdin, stdoutTo }),
};
