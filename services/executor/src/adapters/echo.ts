/** `echo`: gives back what it was given. For tests and benchmarks. */
import type { InProcessAdapter } from './adapter';

export const echo: InProcessAdapter<'echo'> = {
  version: '1',
  inProcess: true,
  answer: ({ output }) => ({
    outcome: 'success',
    exitCode: 0,
    stdout: textOf(output),
    stderr: '',
    artifacts: [],
    durationMs: 0,
    metadata: {},
  }),
};

function textOf(output: unknown): string {
  if (output === undefined) return '';
  return typeof output === 'string' ? output : JSON.stringify(output);
}
