/** Whatever is wrong with what a user gives: an exit code, a code, a place, and nothing lost. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DirectiveDocument, Issue } from '@writ/contracts';
import { TestStack, writ } from '@writ/testing';

let stack: TestStack;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-bad-'));
  stack = await TestStack.start();
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

function write(text: string, name = 'directive.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const head = 'title: t\ngoal: g\n';
const withSteps = (...steps: object[]) =>
  JSON.stringify({
    title: 't',
    goal: 'g',
    chain: {
      steps: steps.map((step, at) => ({ name: `s${at}`, adapter: { kind: 'echo' }, ...step })),
    },
  });
const program = (more: object) =>
  withSteps({ adapter: { kind: 'program', argv: ['true'], ...more } });

interface Refused {
  error: { code: string; message: string; details?: { issues?: Issue[] } };
}

async function submit(path: string): Promise<{ code: number | null; error: Refused['error'] }> {
  const { code, stderr } = await stack.writ(['submit', path, '--json']);
  return { code, error: (JSON.parse(stderr) as Refused).error };
}

describe('a directive file', () => {
  it.each([
    ['that is not YAML', `${head}chain: [`, 'line'],
    ['with an unknown key', `${head}gaol: x\n`, 'did you mean "goal"'],
    ['with a key twice', `${head}title: again\n`, 'title'],
    [
      'with an unknown adapter',
      withSteps({ adapter: { kind: 'teleport' } }),
      '/chain/steps/0/adapter',
    ],
    ['with a cycle', withSteps({ dependsOn: ['s1'] }, { dependsOn: ['s0'] }), 's0 -> s1 -> s0'],
    ['with an unknown dependency', withSteps({ dependsOn: ['nowhere'] }), 'nowhere'],
    ['with a name twice', withSteps({ name: 'x' }, { name: 'x' }), '/chain/steps/1/name'],
    ['with a path that leads up', program({ stdoutTo: '../x' }), 'leads out of the workspace'],
    ['with an absolute path', withSteps({ outputs: ['/etc/passwd'] }), 'absolute'],
    ['with a NUL byte in an argument', program({ argv: ['echo', 'a\0b'] }), 'NUL'],
    ['with a NUL byte in its title', '{ "title": "a\\u0000b", "goal": "g" }', '/title'],
    ['with a NUL byte as it stands', `${head}constraints: ["a\0b"]\n`, 'U+0000'],
    ['with an unknown variable', withSteps({ description: '${nope}' }), 'nope'],
    ['with a planner that is not there', `${head}planner: { kind: llm }\n`, 'explicit'],
  ])('%s is refused with the place', async (_, text, expected) => {
    const { code, error } = await submit(write(text));
    expect(code).toBe(2);
    const places = error.details?.issues?.map((it) => `${it.path} ${it.message}`).join('\n');
    expect(`${error.message}\n${places}`).toContain(expected);
  });

  it('with 10,000 steps, or a string of 2 MiB, is refused with the limit', async () => {
    const many = withSteps(...Array.from({ length: 10_000 }, () => ({})));
    expect(await submit(write(many))).toMatchObject({ code: 2 });
    const long = `${head.replace('g\n', `${'x'.repeat(2 * 1024 * 1024)}\n`)}`;
    expect(await submit(write(long))).toMatchObject({ code: 2 });
  });

  it('that is not there, a folder, or a device without end is named', async () => {
    const missing = await submit(join(folder, 'none.yaml'));
    expect(missing).toMatchObject({ code: 3, error: { code: 'file_missing' } });
    expect(missing.error.message).toContain('none.yaml');
    expect(await submit(folder)).toMatchObject({ code: 2, error: { code: 'usage' } });
    expect(await submit('/dev/zero')).toMatchObject({ code: 2, error: { code: 'too_large' } });
  });

  it('leaves nothing behind when it is refused', async () => {
    expect(await stack.json<unknown[]>(['list'])).toEqual([]);
  });
});

describe('a repository', () => {
  const git = (path: string, ...argv: string[]) => execFileSync('git', ['-C', path, ...argv]);
  const notes = (repository: string, branch?: string) =>
    write(
      `${head}workspace: { kind: git, repository: "${repository}"${branch === undefined ? '' : `, baseBranch: ${branch}`} }\n` +
        'chain: { steps: [{ name: a, adapter: { kind: program, argv: ["true"] } }] }\n',
    );

  it('that is missing, none, empty or without the branch is told at once', async () => {
    const plain = mkdtempSync(join(tmpdir(), 'writ-plain-'));
    const missing = await submit(notes(join(plain, 'nowhere')));
    expect(missing).toMatchObject({ code: 2, error: { code: 'repository_missing' } });
    expect(missing.error.message).toContain('line 3, column 25');
    expect(await submit(notes(plain))).toMatchObject({
      code: 2,
      error: { code: 'not_a_repository' },
    });
    git(plain, 'init', '--quiet');
    expect(await submit(notes(plain))).toMatchObject({ code: 2, error: { code: 'no_commit' } });
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@b.c'];
    git(plain, ...who, 'commit', '--quiet', '--allow-empty', '-m', 'one');
    const branch = await submit(notes(plain, 'nowhere'));
    expect(branch).toMatchObject({ code: 2, error: { code: 'base_branch_missing' } });
    rmSync(plain, { recursive: true });
  });

  it('is told by the executor too, when a foreign client did not look', async () => {
    const { gatewayUrl } = await stack.file();
    const response = await fetch(`${gatewayUrl}/v1/directives`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'foreign-1' },
      body: JSON.stringify({
        directive: {
          ...{ title: 't', goal: 'g', workspace: { kind: 'git', repository: '/nowhere/at/all' } },
          chain: { steps: [{ name: 'a', adapter: { kind: 'echo' } }] },
        },
      }),
    });
    const { directiveId } = (await response.json()) as { directiveId: string };
    const watched = await stack.writ(['watch', directiveId]);
    expect(watched.code).toBe(10);
    const shown = await stack.json<DirectiveDocument>(['show', directiveId]);
    expect(shown).toMatchObject({ status: 'failed' });
    expect(shown.reason).toContain('repository_missing');
  });
});

describe('a step', () => {
  const run = async (text: string) => {
    const { code, stdout } = await stack.writ(['run', write(text), '--json']);
    return { code, document: JSON.parse(stdout) as DirectiveDocument };
  };

  it('whose program is missing fails by name', async () => {
    const { code, document } = await run(program({ argv: ['no-such-program-here'] }));
    expect(code).toBe(10);
    expect(document.steps[0]?.reason).toContain('no-such-program-here');
  });

  it.each([
    ['elsewhere', 'outside'],
    ['to a sibling of the same prefix', 'workspace-beside'],
  ])('whose output leads %s through a symbolic link fails', async (_, name) => {
    const outside = join(folder, name);
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret.txt'), 'secret');
    const workspace = join(folder, 'workspace');
    rmSync(workspace, { recursive: true, force: true });
    mkdirSync(workspace);
    symlinkSync(outside, join(workspace, 'link'));
    const { code, document } = await run(
      `${head}workspace: { kind: directory, path: "${workspace}" }\n` +
        'chain: { steps: [{ name: a, adapter: { kind: program, argv: ["true"] }, outputs: [link/secret.txt] }] }\n',
    );
    expect(code).toBe(10);
    expect(document.steps[0]?.reason).toContain('link/secret.txt');
    expect(document.steps[0]?.artifacts).toEqual([]);
  });

  it('whose declared output is not there fails by path', async () => {
    const { code, document } = await run(
      withSteps({ ...{ adapter: { kind: 'program', argv: ['true'] } }, outputs: ['never.txt'] }),
    );
    expect(code).toBe(10);
    expect(document.steps[0]?.reason).toContain('never.txt');
  });
});

describe('the command line', () => {
  it.each([
    [['shwo'], 2, 'did you mean'],
    [['show'], 2, 'missing'],
    [['list', '--nonsense'], 2, 'nonsense'],
    [['show', 'aaaaaaaaaaaaaaaa'], 3, 'aaaaaaaaaaaaaaaa'],
    [['show', 'no-id-at-all'], 3, 'no-id-at-all'],
    [['events', '--directive', 'aaaaaaaaaaaaaaaa'], 3, 'aaaaaaaaaaaaaaaa'],
    [['run-info', 'aaaaaaaaaaaaaaaa-g1-a-a1'], 3, 'aaaaaaaaaaaaaaaa-g1-a-a1'],
    [['pause', 'aaaaaaaaaaaaaaaa'], 3, 'aaaaaaaaaaaaaaaa'],
  ])('%j ends with %i', async (argv, expected, text) => {
    const { code, stderr } = await stack.writ(argv);
    expect(code).toBe(expected);
    expect(stderr.toLowerCase()).toContain(text);
  });

  it('says how to start a stack when none is running', async () => {
    const env = { WRIT_HOME: join(folder, 'no-stack') };
    const { code, stderr } = await writ(['list'], { env, cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain('writ up');
  });

  it('says who may not write where a stack would be', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    const env = { WRIT_HOME: join(folder, 'a-file', '.writ') };
    const { code, stderr } = await writ(['up', '--json'], { env, cwd: folder });
    expect(code).toBe(1);
    const { error } = JSON.parse(stderr) as Refused;
    expect(error.message).toContain('a-file');
    expect(error.message).toContain('WRIT_HOME names another place');
  });

  it('names a port that is taken', async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    const env = { WRIT_HOME: join(folder, 'port-taken'), WRIT_GATEWAY_PORT: String(port) };
    const { code, stderr } = await writ(['up', '--detach'], { env, cwd: folder });
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain(String(port));
  }, 60_000);
});
