import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventually } from '@writ/testing';
import { checkFiles } from './check-files';
import { checkJsonSchema } from './check-json-schema';
import { checkProgram } from './check-program';
import { runProgram } from './run-program';
import type { CheckContext } from './verdict';

let root: string;
let context: CheckContext;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'writ-checks-'));
  mkdirSync(join(root, 'home'));
  context = {
    root,
    readOnlyPaths: [],
    scratch: join(root, 'home'),
    environment: { PATH: process.env['PATH'] ?? '', WRIT_RUN: 'the-run' },
    runProgram,
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

  it('does not count a glob that matches only empty files, unless that is allowed', async () => {
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

describe('the check program', () => {
  const program = (argv: string[], more: object = {}) =>
    checkProgram({ kind: 'program', argv, ...more }, context);
  const script = (text: string, more: object = {}) => program(['sh', '-c', text], more);

  it('passes with exit code 0 and keeps what was said', async () => {
    const verdict = await script('echo out; echo err >&2; pwd');
    expect(verdict).toMatchObject({
      outcome: 'passed',
      exitCode: 0,
      sandbox: 'S0',
    });
    expect(verdict.log).toContain('out\n');
    expect(verdict.log).toContain('err\n');
    expect(verdict.log).toContain(root);
  });

  it('fails with another exit code, and by a signal', async () => {
    expect(await script('exit 3')).toMatchObject({
      outcome: 'failed',
      exitCode: 3,
      message: 'it ended with exit code 3',
    });
    expect(await script('kill -SEGV $$')).toMatchObject({
      outcome: 'failed',
      exitCode: null,
      signal: 'SIGSEGV',
    });
  });

  it('is an error when there is no such program or folder', async () => {
    expect(await program(['no-such-program'])).toMatchObject({
      outcome: 'error',
      message: 'there is no program no-such-program',
    });
    await expect(program(['true'], { cwd: 'no' })).rejects.toThrow('the folder no is missing');
    symlinkSync('/etc', join(root, 'etc'));
    await expect(program(['true'], { cwd: 'etc' })).rejects.toThrow(/leads out/);
  });

  it('finds its own environment and nothing of ours', async () => {
    process.env['DATABASE_PASSWORD'] = 'secret';
    const { log } = await program(['env'], { env: { MINE: '1' } });
    delete process.env['DATABASE_PASSWORD'];
    expect(log).toContain('MINE=1\n');
    expect(log).toContain('WRIT_RUN=the-run\n');
    expect(log).toContain(`HOME=${context.scratch}\n`);
    expect(log).not.toContain('secret');
  });

  it('is ended with all its children when it takes too long, and has failed', async () => {
    const verdict = await script('sleep 1000 & echo $!; sleep 1000', {
      timeoutMs: 200,
    });
    expect(verdict).toMatchObject({ outcome: 'failed', signal: 'SIGKILL' });
    expect(verdict.message).toBe('it took longer than 200 ms and was ended');
    await gone(Number(verdict.log));
  });

  it('does not wait for what a program leaves behind, and ends it', async () => {
    const started = performance.now();
    const verdict = await script('sleep 1000 & echo $!');
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(verdict.outcome).toBe('passed');
    await gone(Number(verdict.log));
  });

  it('keeps head and tail of a flood', async () => {
    const verdict = await script('echo first; head -c 5000000 /dev/zero | tr "\\0" x; echo last');
    expect(verdict.log?.length).toBeLessThan(140_000);
    expect(verdict.log).toMatch(/^first\n/);
    expect(verdict.log).toMatch(/last\n$/);
    expect(verdict.log).toMatch(/\n\.\.\. \d+ bytes left out \.\.\.\n/);
  });

  it('ends its program when the process stops', async () => {
    const stop = new AbortController();
    context = { ...context, signal: stop.signal };
    const running = script('echo started > home/started; sleep 1000');
    await eventually(
      () =>
        checkFiles({ kind: 'files', paths: ['home/started'] }, context).then(
          (it) => it.outcome === 'passed',
        ),
      { what: 'the program to start' },
    );
    stop.abort(new Error('stopping'));
    await expect(running).rejects.toThrow('stopping');
  });
});

/** Dead; whether its new parent has noticed is not our affair. */
const gone = (pid: number) =>
  eventually(() => !existsSync(`/proc/${pid}`) || / Z /.test(statOf(pid)), {
    what: `process ${pid} to be gone`,
  });

const statOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ' Z ';
  }
};
