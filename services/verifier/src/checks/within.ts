/** Work of our own process whose time somebody else decides: nothing else runs meanwhile. */
import { runInNewContext } from 'node:vm';
import { CheckTrouble } from './verdict';

/** Ends what takes too long, also in the middle of a regular expression. */
export function within<T>(limitMs: number, work: () => T, what: string): T {
  let result: { value: T } | undefined;
  const run = () => {
    result = { value: work() };
  };
  try {
    runInNewContext('run()', { run }, { timeout: limitMs });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new CheckTrouble(`${what} took longer than ${limitMs} ms`);
  }
  return (result as { value: T }).value;
}
