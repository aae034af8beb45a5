/** `shell`: a script for `sh`, in the same sandbox as any program. */
import type { ProgramAdapter } from './adapter';

export const shell: ProgramAdapter<'shell'> = {
  version: '1',
  inProcess: false,
  command: ({ script, cwd, env, stdoutTo }) => ({
    argv: ['/bin/sh', '-c', script],
    ...{ cwd, env, stdoutTo },
  }),
};
