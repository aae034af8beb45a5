import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Check, type CheckOf } from '@writ/contracts';
import { checkPattern } from './check-pattern';
import { CheckTrouble, type CheckContext } from './verdict';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'writ-pattern-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text: string | Uint8Array) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const look = (more: Partial<CheckOf<'pattern'>>) => {
  const usual = { kind: 'pattern' as const, paths: ['src/**/*.ts'], pattern: 'x' };
  const check: CheckOf<'pattern'> = { ...usual, ...more };
  const context = { root, signal: new AbortController().signal };
  return checkPattern(check, context as CheckContext);
};

it('names the file and the line of the first match', async () => {
  write('src/a.ts', 'nothing\n');
  write('src/b/c.ts', 'one\ntwo\n  console.log(1)\n');
  expect(await look({ pattern: 'console\\.log' })).toEqual({
    outcome: 'passed',
    message: 'console\\.log matches in src/b/c.ts, line 3',
    log: 'src/a.ts: no match\nsrc/b/c.ts: line 3\n',
  });
});

it('fails for what must not be there, naming where it is', async () => {
  write('src/a.ts', 'a\nconsole.log(1)\n');
  expect(await look({ pattern: 'console\\.log', absent: true })).toMatchObject({
    outcome: 'failed',
    message: 'console\\.log matches in src/a.ts, line 2',
  });
  expect(await look({ pattern: 'debugger', absent: true })).toMatchObject({
    outcome: 'passed',
    message: 'debugger matches in none of 1 file',
  });
});

it('takes flags: any case, lines, dots for line ends', async () => {
  write('src/a.ts', 'First\nSecond\n');
  const outcome = async (pattern: string, flags?: string) =>
    (await look({ pattern, flags })).outcome;
  expect(await outcome('^second$')).toBe('failed');
  expect(await outcome('^second$', 'im')).toBe('passed');
  expect(await outcome('First.Second')).toBe('failed');
  expect(await outcome('First.Second', 's')).toBe('passed');
});

it('seed defect 30: where nothing was looked at nothing is shown, neither presence nor absence', async () => {
  expect(await look({})).toMatchObject({
    outcome: 'failed',
    message: 'no text file matches src/**/*.ts',
  });
  expect(await look({ absent: true })).toMatchObject({ outcome: 'error' });
  write('src/binary.ts', Buffer.from([0, 1, 2]));
  expect(await look({ absent: true })).toMatchObject({ outcome: 'error' });
});

it('says nothing about absence when a file was too large to look through', async () => {
  write('src/a.ts', 'a\n');
  write('src/large.ts', 'b'.repeat(1024 * 1024 + 1));
  expect(await look({ pattern: 'c', absent: true })).toMatchObject({
    outcome: 'error',
    message: 'not looked at: src/large.ts is larger than 1048576 bytes',
  });
  expect((await look({ pattern: 'a' })).outcome).toBe('passed');
});

it('does not look through a link that leads out', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'writ-outside-'));
  writeFileSync(join(outside, 'a.ts'), 'secret');
  mkdirSync(join(root, 'src'));
  symlinkSync(join(outside, 'a.ts'), join(root, 'src', 'a.ts'));
  const verdict = await look({ pattern: 'secret' });
  rmSync(outside, { recursive: true });
  expect(verdict).toMatchObject({ outcome: 'error' });
});

it('is an error of the check when RE2 refuses the pattern', async () => {
  await expect(look({ pattern: '(' })).rejects.toThrow(/^the pattern cannot be used: /);
  await expect(look({ pattern: '(' })).rejects.toThrow(CheckTrouble);
});

it('takes linear time for what blows up elsewhere, and gives up what stands for a huge one', async () => {
  write('src/a.ts', `${'a'.repeat(200_000)}!`);
  const began = performance.now();
  expect((await look({ pattern: '^(a+)+$' })).outcome).toBe('failed');
  expect(performance.now() - began).toBeLessThan(5_000);
  await expect(look({ pattern: '(a|b|c){0,900}x' })).rejects.toThrow(
    'looking through src/a.ts took longer than 2000 ms',
  );
});

describe('what the directive may ask for', () => {
  const accepts = (more: object) =>
    Check.safeParse({ kind: 'pattern', paths: ['a'], pattern: 'x', ...more }).success;

  test.each(['a(?=b)', 'a(?!b)', '(?<=a)b', '(?<!a)b', '(?>a)', '(a)\\1', '[a](?=b)'])(
    'is told at once that RE2 has no %s',
    (pattern) => expect(accepts({ pattern })).toBe(false),
  );
  test.each(['(?:a)', '(?i)a', '\\\\1', '\\(?=', '[(?=]', '[\\]](?:b)', 'a\\d+', '(?P<n>a)'])(
    'takes %s',
    (pattern) => expect(accepts({ pattern })).toBe(true),
  );
  test.each([
    ['im', true],
    ['', true],
    ['g', false],
    ['ii', false],
  ])('flags %p: %s', (flags, fine) => expect(accepts({ flags })).toBe(fine));
});
