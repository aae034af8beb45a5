import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkFiles } from './check-files';
import { checkJsonSchema } from './check-json-schema';
import { readRepository } from '../detection/repository-files';
import type { CheckContext } from './verdict';

let root: string;
let context: CheckContext;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'writ-checks-'));
  context = {
    ...{ root, readOnlyPaths: [], scratch: root },
    environment: {},
    runProgram: () => Promise.reject(new Error('this runs no program')),
    ask: () => Promise.reject(new Error('this asks nobody')),
    readRepository,
    signal: new AbortController().signal,
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};

describe('the check files', () => {
  const files = (paths: string[], nonEmpty?: boolean) =>
    checkFiles({ kind: 'files', paths, ...(nonEmpty === undefined ? {} : { nonEmpty }) }, context);

  it('passes when every path and glob finds a file, and lists what it found', async () => {
    write('out/a.md', 'a');
    write('out/deep/b.md', 'bb');
    const verdict = await files(['out/a.md', 'out/**/*.md']);
    expect(verdict).toMatchObject({ outcome: 'passed', message: '3 files' });
    expect(verdict.log).toContain('  out/deep/b.md (2 bytes)');
  });

  it('fails for what is missing, naming each', async () => {
    write('a', '');
    expect(await files(['a', 'b', 'c/*.txt'])).toMatchObject({
      outcome: 'failed',
      message: 'b is missing, no file matches c/*.txt',
    });
  });

  it('seed defect 30: does not count a glob that matches only empty files, unless that is allowed', async () => {
    write('out/a.md', '');
    write('out/b.md', '');
    const only = 'only empty files match out/*.md';
    expect(await files(['out/*.md'])).toMatchObject({
      outcome: 'failed',
      message: only,
    });
    expect(await files(['out/*.md'], false)).toMatchObject({
      outcome: 'passed',
    });
    write('out/b.md', 'b');
    expect(await files(['out/*.md'])).toMatchObject({ outcome: 'passed' });
  });

  it('takes an empty file by its name, unless it must not be empty', async () => {
    write('done', '');
    expect(await files(['done'])).toMatchObject({
      outcome: 'passed',
      message: '1 file',
    });
    expect(await files(['done'], true)).toMatchObject({
      message: 'done is empty',
    });
  });

  it('does not take a folder or a pipe for a file', async () => {
    mkdirSync(join(root, 'folder'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    expect(await files(['folder'])).toMatchObject({
      message: 'folder is not a regular file',
    });
    expect(await files(['pipe'])).toMatchObject({
      message: 'pipe is not a regular file',
    });
    expect(await files(['p*'])).toMatchObject({
      message: 'no file matches p*',
    });
  });

  it('follows a link inside the workspace and refuses one that leads out', async () => {
    write('real.txt', 'text');
    symlinkSync('real.txt', join(root, 'inside.txt'));
    symlinkSync('/etc/passwd', join(root, 'outside.txt'));
    symlinkSync('/etc', join(root, 'etc'));
    symlinkSync('nowhere', join(root, 'broken'));
    expect(await files(['inside.txt'])).toMatchObject({ outcome: 'passed' });
    const leads = 'leads out of the workspace through a symbolic link';
    expect(await files(['outside.txt'])).toMatchObject({
      message: `outside.txt ${leads}`,
    });
    expect(await files(['*.txt'])).toMatchObject({
      message: `outside.txt ${leads}`,
    });
    expect(await files(['etc/passwd'])).toMatchObject({
      message: `etc/passwd ${leads}`,
    });
    expect(await files(['etc/*'])).toMatchObject({ message: `etc ${leads}` });
    expect(await files(['broken'])).toMatchObject({
      message: 'broken is missing',
    });
  });

  it('does not look into .git', async () => {
    write('.git/config', 'x');
    expect(await files(['**/config'])).toMatchObject({ outcome: 'failed' });
  });
});

describe('the check json-schema', () => {
  const schema = {
    type: 'object',
    properties: {
      when: { type: 'string', format: 'date' },
      n: { type: 'integer' },
    },
    required: ['when'],
    additionalProperties: false,
  };
  const check = (more: object = { schema }) =>
    checkJsonSchema({ kind: 'json-schema', path: 'a.json', ...more }, context);

  it('passes for a value that fits', async () => {
    write('a.json', '{"when":"2026-02-28","n":3}');
    expect(await check()).toMatchObject({ outcome: 'passed' });
    write('schema.json', JSON.stringify({ ...schema, $id: 'https://example.com/a' }));
    expect(await check({ schemaFile: 'schema.json' })).toMatchObject({
      outcome: 'passed',
    });
    expect(await check({ schemaFile: 'schema.json' })).toMatchObject({
      outcome: 'passed',
    });
  });

  it('fails with every place that does not fit', async () => {
    write('a.json', '{"when":"2026-02-30","n":1.5,"x":1}');
    const verdict = await check();
    expect(verdict.outcome).toBe('failed');
    expect(verdict.message).toMatch(/does not fit its schema: .* \(and 2 more\)$/);
    expect(verdict.log).toContain('/when must match format "date"');
    expect(verdict.log).toContain('the whole must NOT have additional properties (x)');
  });

  it('tells apart a missing file, one that is not JSON and one that is not text', async () => {
    expect(await check()).toMatchObject({
      outcome: 'failed',
      message: 'a.json is missing',
    });
    write('a.json', '{"when":');
    expect((await check()).message).toMatch(/^a.json is not JSON: /);
    writeFileSync(join(root, 'a.json'), Buffer.from([0x22, 0xff, 0x22]));
    expect((await check()).message).toMatch(/^a.json is not JSON: .*not valid/);
  });

  it.each([
    ['of a type that there is not', { schema: { type: 'strin' } }, /cannot be used/],
    ['that refers to what is not there', { schema: { $ref: '#/$defs/a' } }, /cannot be used/],
    ['that is missing', { schemaFile: 'no.json' }, /the schema no.json is missing/],
    ['that is not given', {}, /exactly one of/],
    ['that is given twice', { schema: true, schemaFile: 'a.json' }, /exactly one of/],
  ])('is an error with a schema %s', async (_, more, message) => {
    write('a.json', '{}');
    await expect(check(more)).rejects.toMatchObject({ name: 'CheckTrouble' });
    await expect(check(more)).rejects.toThrow(message);
  });

  it('gives up on a regular expression that would take for ever', async () => {
    write('a.json', `"${'a'.repeat(60)}!"`);
    const started = check({ schema: { type: 'string', pattern: '^(a+)+$' } });
    await expect(started).rejects.toThrow(/took longer than 2000 ms/);
  });

  it('does not read a file outside through a link', async () => {
    symlinkSync('/etc/passwd', join(root, 'a.json'));
    expect((await check()).message).toMatch(/leads out of the workspace/);
  });
});
