import type { CliError } from './cli-error';
import { deadLetterPath, directivePath, runPath } from './api-path';

test('a name becomes a path', () => {
  expect(directivePath('abcdefgh12345678')).toBe('/v1/directives/abcdefgh12345678');
  expect(runPath('abcdefgh12345678-g1-a-b-a2')).toBe('/v1/runs/abcdefgh12345678-g1-a-b-a2');
  expect(deadLetterPath('7')).toBe('/v1/dead-letters/7');
  expect(deadLetterPath('a b?c')).toBe('/v1/dead-letters/a%20b%3Fc');
});

test.each(['', '.', '..', '../x', 'a/b', 'x\ny', 'ABCDEFGH12345678', 'abcdefgh12345678?x=1'])(
  'the name %j is of nothing, and leads nowhere else',
  (name) => {
    for (const path of [directivePath, runPath]) {
      expect(() => path(name)).toThrow(
        expect.objectContaining<Partial<CliError>>({ code: 'not_found', exitCode: 3 }),
      );
    }
  },
);

test.each(['', '.', '..', '../x', 'a\\b'])('no dead letter is called %j', (name) => {
  expect(() => deadLetterPath(name)).toThrow(expect.objectContaining({ code: 'not_found' }));
});
