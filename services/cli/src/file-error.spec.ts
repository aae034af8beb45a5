import { CliError } from './cli-error';
import { inWords } from './file-error';

const failed = (code: string, path?: string) =>
  Object.assign(new Error(`${code}: no`), { code, ...(path === undefined ? {} : { path }) });

test('what may not be used in the home of the stack is named, with the way out', () => {
  const error = inWords(failed('EACCES', '/srv/.writ/logs'), '/srv/.writ') as CliError;
  expect(error).toMatchObject({ code: 'eacces', exitCode: 1 });
  expect(error.message).toBe(
    '/srv/.writ/logs cannot be used: this user may not use it; ' +
      'the stack keeps its things in /srv/.writ, WRIT_HOME names another place',
  );
});

test('elsewhere nothing is said of the home', () => {
  const error = inWords(failed('EISDIR', '/srv/.writ-other'), '/srv/.writ') as CliError;
  expect(error.message).toBe('/srv/.writ-other cannot be used: it is a folder');
});

test.each([failed('ECONNREFUSED', '/x'), failed('EACCES'), new CliError('usage', 'x'), 'text'])(
  'any other error stays as it is',
  (error) => expect(inWords(error, '/srv')).toBe(error),
);
