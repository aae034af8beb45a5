/**
 * What the file system says no to, in words: where, and what helps. The system's own message names a
 * call and a code, which helps nobody who only wanted to start a stack.
 */
import { resolve, sep } from 'node:path';

import { CliError } from './cli-error';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use it',
  EPERM: 'this user may not use it',
  EROFS: 'it is on a file system that cannot be written',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of this user is used up',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of it is a file, not a folder',
  ENAMETOOLONG: 'the name is too long',
  EEXIST: 'something else of that name is there',
};

/** The error as it came when it is none of the file system's. */
export function inWords(error: unknown, home: string): unknown {
  const { code = '', path } = error as NodeJS.ErrnoException;
  const reason = reasons[code];
  if (!(error instanceof Error) || reason === undefined || path === undefined) return error;
  const isInHome = `${resolve(path)}${sep}`.startsWith(`${home}${sep}`);
  const cure = isInHome
    ? `; the stack keeps its things in ${home}, WRIT_HOME names another place`
    : '';
  const message = `${path} cannot be used: ${reason}${cure}`;
  return new CliError(code.toLowerCase(), message, undefined, { cause: error });
}
