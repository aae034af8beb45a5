import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { CliError } from '../cli-error';
import { issuesOf } from '../output';
import { parseVariables, readDirectiveFile } from './read-directive-file';
import { checkWorkspace } from './resolve-workspace';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(text: string | Buffer, name = 'directive.yaml'): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const head = 'title: T\ngoal: G\n';
const steps = (inputs: string) =>
  `${head}chain:\n  steps:\n    - name: one\n      adapter: { kind: echo }\n      inputs: ${inputs}\n`;

function failure(work: () => unknown): CliError {
  try {
    work();
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

/** `line:column code` of each issue. */
function places(text: string | Buffer, variables = {}): string[] {
  const path = write(text);
  const { details } = failure(() => readDirectiveFile(path, variables));
  return issuesOf(details).map((it) => `${it.place?.slice(path.length + 1)} ${it.code}`);
}

describe('mistakes are told with line and column', () => {
  test.each([
    ['an unknown key', `${head}gaol: x\n`, ['3:1 unknown_key']],
    ['a wrong type, deep inside', `${head}limits:\n  maxParallelSteps: many\n`, ['4:3 wrong_type']],
    ['a key that is missing, at what it is missing from', 'goal: G\nlimits: {}\n', ['1:1 missing']],
    ['a missing key of a step', `${head}chain:\n  steps:\n    - name: a\n`, ['5:7 missing']],
    ['a key twice', `${head}title: again\n`, ['3:1 duplicate_key']],
    ['text that is no YAML', `${head}chain: [\n`, ['4:1 yaml']],
    ['a tab for an indent', `${head}chain:\n\tsteps: []\n`, ['4:1 yaml']],
    ['a second document', `${head}---\ntitle: U\n`, ['3:1 yaml']],
    ['an unknown anchor', `${head}constraints: *none\n`, ['3:14 yaml']],
    ['an unknown tag', `${head}constraints: !!js/function "x"\n`, ['3:14 yaml']],
    ['NUL', `${head}constraints: ["a\0b"]\n`, ['3:17 control_character']],
    ['a file that is not UTF-8', Buffer.from([0x74, 0xff]), ['1:1 not_utf8']],
    ['an empty file', '', ['1:1 empty']],
    ['a comment only', '# nothing\n', ['1:1 empty']],
    ['a list', '- a\n', ['1:1 wrong_type']],
    ['JSON with a slip', '{"title": "T", "goal": "G", "gaol": 1}', ['1:29 unknown_key']],
  ])('%s', (_, text, expected) => {
    expect(places(text)).toEqual(expected);
  });

  test('the message of a key that stands twice names the key', () => {
    const { details } = failure(() => readDirectiveFile(write(`${head}"title": again\n`)));
    expect(issuesOf(details)[0]?.message).toBe('the key "title" stands twice here');
  });

  test('the message names the file, the line, and how many more there are', () => {
    const path = write(`${head}gaol: x\naim: y\n`);
    expect(failure(() => readDirectiveFile(path)).message).toBe(
      `${path}, line 3, column 1: there is no "gaol" here; did you mean "goal"? (and 1 more)`,
    );
  });

  test('anchors that multiply are refused and do not fill the memory', () => {
    const levels = Array.from({ length: 12 }, (_, at) => {
      const below = at === 0 ? '"x"' : `*a${at - 1}`;
      return `a${at}: &a${at} [${Array(9).fill(below).join(', ')}]`;
    });
    expect(places(`${head}${levels.join('\n')}\n`)).toEqual(['4:10 yaml']);
  });

  test('anchors in measure are welcome', () => {
    const path = write(`${head}constraints: [&c "one", *c]\n`);
    expect(readDirectiveFile(path).directive.constraints).toEqual(['one', 'one']);
  });

  test('ten thousand levels of nesting are refused', () => {
    const deep = '['.repeat(10_000);
    expect(places(`${head}constraints: ${deep}\n`)[0]).toMatch(/^3:\d+ too_deep$/);
    expect(places(`${head}constraints: ${deep}${']'.repeat(10_000)}\n`)[0]).toBeDefined();
  });

  test('more than a mebibyte is not read', () => {
    const path = write(`${head}# ${'x'.repeat(1024 * 1024)}`);
    expect(failure(() => readDirectiveFile(path))).toMatchObject({
      code: 'too_large',
      exitCode: 2,
    });
  });

  test('issues that the planner finds get their places too', () => {
    const path = write(steps('[]'));
    const { place } = readDirectiveFile(path);
    const issue = { code: 'x', message: 'y', path: '/chain/steps/0/name' };
    expect(place([issue])).toEqual([{ ...issue, place: `${path}:5:7` }]);
  });
});

describe('what is no file', () => {
  test('is told by name', () => {
    const missing = join(folder, 'none.yaml');
    expect(failure(() => readDirectiveFile(missing))).toMatchObject({
      code: 'file_missing',
      exitCode: 3,
    });
    expect(failure(() => readDirectiveFile(folder))).toMatchObject({ code: 'usage' });
  });
});

describe('variables of the command line', () => {
  const text = `${head}variables: { since: v1, count: "" }\n`;

  test('replace what the file declares', () => {
    const { directive } = readDirectiveFile(write(text), { since: 'v2=x' });
    expect(directive.variables).toEqual({ since: 'v2=x', count: '' });
  });

  test('that the file does not declare are refused with the one that was meant', () => {
    const { message } = failure(() => readDirectiveFile(write(text), { snice: 'v2' }));
    expect(message).toContain('did you mean "since"?');
  });

  test('are written name=value', () => {
    expect(parseVariables(['a=b=c', 'd='])).toEqual({ a: 'b=c', d: '' });
    for (const wrong of ['a', '=b'])
      expect(failure(() => parseVariables([wrong])).exitCode).toBe(2);
  });
});

describe('inputs beside the file', () => {
  const inputsOf = (path: string) => readDirectiveFile(path).directive.chain?.steps[0]?.inputs;
  const digest = `sha256:${'a'.repeat(64)}`;

  test('are named by the digest of their content', () => {
    write('hello', 'lib/a.mjs');
    const path = write(steps('[lib/a.mjs, ./lib/a.mjs]'));
    const hello = 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
    expect(inputsOf(path)).toEqual([{ name: 'lib/a.mjs', digest: hello }]);
    expect(readDirectiveFile(path).files).toEqual([
      { name: 'lib/a.mjs', digest: hello, path: join(folder, 'lib/a.mjs') },
    ]);
  });

  test('may be patterns, in order and without repetition', () => {
    for (const name of ['b.mjs', 'a.mjs', 'a.txt', 'lib/c.mjs', '.git/d.mjs']) write(name, name);
    const names = (patterns: string) => inputsOf(write(steps(patterns)))?.map(({ name }) => name);
    expect(names('["*.mjs", a.mjs]')).toEqual(['a.mjs', 'b.mjs']);
    expect(names('["**/*.mjs"]')).toEqual(['a.mjs', 'b.mjs', 'lib/c.mjs']);
    expect(names('["[!b].*"]')).toEqual(['a.mjs', 'a.txt']);
  });

  test('that have a digest already stay as they are', () => {
    const path = write(steps(`[{ name: x, digest: "${digest}" }]`));
    expect(inputsOf(path)).toEqual([{ name: 'x', digest }]);
  });

  test.each([
    ['a missing file', '[colect.mjs]', 'did you mean "collect.mjs"?'],
    ['a pattern without a match', '["*.py"]', 'no file beside'],
    ['an absolute path', '[/etc/passwd]', 'absolute'],
    ['a path that leads up', '[../x]', 'leads out'],
    ['a folder', '[folder]', 'not a file'],
    ['a link that leads out', '[link]', 'leads out of the folder'],
    ['a file in a linked folder outside', '[away/x]', 'leads out of the folder'],
  ])('%s is refused', (_, inputs, words) => {
    const outside = mkdtempSync(join(tmpdir(), 'writ-outside-'));
    writeFileSync(join(outside, 'x'), 'secret');
    write('x', 'collect.mjs');
    mkdirSync(join(folder, 'folder'));
    symlinkSync(join(outside, 'x'), join(folder, 'link'));
    symlinkSync(outside, join(folder, 'away'));
    const error = failure(() => readDirectiveFile(write(steps(inputs))));
    rmSync(outside, { recursive: true });
    expect(issuesOf(error.details)[0]).toMatchObject({
      place: `${join(folder, 'directive.yaml')}:7:16`,
      message: expect.stringContaining(words) as string,
    });
  });
});

describe('the workspace', () => {
  const git = (...argv: string[]) =>
    execFileSync('git', ['-C', folder, ...argv], { stdio: 'ignore' });
  const commit = () =>
    git('-c', 'user.name=a', '-c', 'user.email=a@b.c', 'commit', '--allow-empty', '-m', 'one');
  const workspace = (text: string, variables = '') =>
    readDirectiveFile(write(`${head}${variables}workspace: ${text}\n`)).directive;
  const found = (text: string) => checkWorkspace(workspace(text));
  const codeOf = (text: string) => found(text)?.code;

  test('is taken from the folder of the file, its variables replaced', () => {
    const repository = (text: string, variables = '') =>
      workspace(`{ kind: git, repository: "${text}" }`, variables).workspace;
    expect(repository('.')).toMatchObject({ repository: folder });
    expect(repository('${where}/x', 'variables: { where: .. }\n')).toMatchObject({
      repository: join(folder, '..', 'x'),
    });
    expect(repository('${nowhere}')).toMatchObject({ repository: '${nowhere}' });
    expect(repository('a$${b}')).toMatchObject({ repository: `${folder}/a$\${b}` });
    expect(repository('https://example.org/x.git')).toMatchObject({
      repository: 'https://example.org/x.git',
    });
    expect(workspace('{ kind: directory, path: sub }').workspace).toMatchObject({
      path: join(folder, 'sub'),
    });
  });

  test('that cannot be worked in is told at once', () => {
    expect(codeOf('{ kind: directory, path: none }')).toBe('directory_missing');
    expect(codeOf('{ kind: git, repository: none }')).toBe('repository_missing');
    expect(codeOf('{ kind: git, repository: . }')).toBe('not_a_repository');
    git('init', '--initial-branch', 'main');
    expect(codeOf('{ kind: git, repository: . }')).toBe('no_commit');
    expect(codeOf('{ kind: git, repository: ., baseBranch: main }')).toBe('no_commit');
    commit();
    expect(found('{ kind: git, repository: ., baseBranch: main }')).toBeUndefined();
    expect(found('{ kind: git, repository: ., baseBranch: mian }')).toEqual({
      code: 'base_branch_missing',
      message: expect.stringContaining('did you mean "main"?'),
      path: '/workspace/baseBranch',
    });
  });

  test('is found whatever git variables the shell has set', () => {
    git('init');
    commit();
    process.env['GIT_DIR'] = '/nowhere';
    try {
      expect(found('{ kind: git, repository: . }')).toBeUndefined();
    } finally {
      delete process.env['GIT_DIR'];
    }
  });
});
