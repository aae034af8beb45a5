import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitOf } from './git';
import { knowsMergeTree, mergeStep, treeByWorktree } from './merge-step';
import { isWorkspaceRefusal, prepareWorkspace, type Prepared } from './prepare-workspace';
import {
  addInPeace,
  addWorktree,
  changesIn,
  commitCandidate,
  ignoredOf,
  removeWorktree,
  type Worktree,
} from './worktree';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'writ-git-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const id = 'abcdefgh12345678';
const branch = `writ/${id}`;
let count = 0;
const fresh = (name: string) => join(root, `${name}-${(count += 1)}`);

const environment = {
  ...{ PATH: process.env['PATH'] ?? '', HOME: root, GIT_CONFIG_GLOBAL: '/dev/null' },
  ...{
    GIT_AUTHOR_NAME: 'U',
    GIT_AUTHOR_EMAIL: 'u@x',
    GIT_COMMITTER_NAME: 'U',
    GIT_COMMITTER_EMAIL: 'u@x',
  },
};
const sh = (cwd: string, ...args: string[]) =>
  execFileSync('git', args, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    .toString()
    .trim();

function repository(files: Record<string, string> = { 'a.txt': 'a\n' }, ...init: string[]): string {
  const path = fresh('repo');
  mkdirSync(path);
  sh(path, 'init', '-q', '-b', 'main', ...init);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  sh(path, 'add', '-A');
  sh(path, 'commit', '-q', '-m', 'first');
  return path;
}

const prepare = (path: string, baseBranch?: string) =>
  prepareWorkspace(id, { kind: 'git', repository: path, baseBranch }, []);

async function prepared(path: string, baseBranch?: string): Promise<Prepared> {
  const it = await prepare(path, baseBranch);
  if (isWorkspaceRefusal(it)) throw new Error(it.code);
  return it;
}

/** A step's work from the head of the branch: changes, commits, cleans up. */
async function step(path: string, name: string, change: (folder: string) => void): Promise<string> {
  const start = (await commitOf(branch, { cwd: path })) ?? '';
  const worktree = await worktreeOf(path, start);
  change(worktree.path);
  const commit = await commitCandidate(worktree, {
    message: `${name}\n`,
    ref: `refs/writ/${id}/${id}-g1-${name}-a1`,
    seen: undefined,
  });
  await removeWorktree(worktree);
  return commit;
}

const worktreeOf = (path: string, start: string): Promise<Worktree> =>
  addWorktree({ repository: path, path: fresh('tree'), start, indexFile: fresh('index') });

const merge = (path: string, commit: string) =>
  mergeStep({ repository: path, branch, commit, message: 'merge\n', scratch: root });

/** Everything of a repository that is the user's. */
const ofTheUser = (path: string) => ({
  status: sh(path, 'status', '--porcelain', '--untracked-files=all'),
  head: readFileSync(join(path, '.git', 'HEAD'), 'utf8'),
  index: readFileSync(join(path, '.git', 'index')).toString('hex'),
  main: sh(path, 'rev-parse', 'main'),
  branches: sh(path, 'for-each-ref', '--format=%(refname)', 'refs/heads')
    .replace(`refs/heads/${branch}`, '')
    .trim(),
  config: readFileSync(join(path, '.git', 'config'), 'utf8'),
  worktrees: existsSync(join(path, '.git', 'worktrees'))
    ? readdirSync(join(path, '.git', 'worktrees'))
    : [],
});

describe('preparing', () => {
  test('pins the base and begins the branch there', async () => {
    const path = repository();
    const main = sh(path, 'rev-parse', 'main');
    expect(await prepare(path)).toEqual({ kind: 'git', path, branch, baseCommit: main });
    expect(sh(path, 'rev-parse', branch, `refs/writ/${id}/base`).split('\n')).toEqual([main, main]);
  });

  test('again, by anybody, gives the same base although the branch has moved', async () => {
    const path = repository();
    const first = await prepared(path);
    writeFileSync(join(path, 'b.txt'), 'b');
    sh(path, 'add', '-A');
    sh(path, 'commit', '-q', '-m', 'second');
    expect(await prepare(path)).toEqual(first);
  });

  test('many at once agree', async () => {
    const path = repository();
    const all = await Promise.all(Array.from({ length: 8 }, () => prepare(path)));
    expect(new Set(all.map((it) => JSON.stringify(it))).size).toBe(1);
  });

  test('takes a subfolder for the repository around it', async () => {
    const path = repository();
    mkdirSync(join(path, 'deep', 'er'), { recursive: true });
    expect((await prepared(join(path, 'deep', 'er'))).path).toBe(path);
  });

  test('takes a bare repository, a work tree of one, and a detached head', async () => {
    const path = repository();
    const main = sh(path, 'rev-parse', 'main');
    const bare = fresh('bare');
    sh(root, 'clone', '-q', '--bare', path, bare);
    expect(await prepared(bare)).toMatchObject({ path: bare, baseCommit: main });
    const tree = fresh('usertree');
    sh(path, 'worktree', 'add', '-q', '-b', 'other', tree);
    expect(await prepared(tree)).toMatchObject({ path: tree, baseCommit: main });
    const detached = repository();
    sh(detached, 'checkout', '-q', '--detach');
    expect((await prepared(detached)).baseCommit).toBe(sh(detached, 'rev-parse', 'HEAD'));
  });

  test('starts at the base branch when one is named', async () => {
    const path = repository();
    sh(path, 'branch', 'stable');
    writeFileSync(join(path, 'a.txt'), 'changed');
    sh(path, 'commit', '-qam', 'second');
    expect((await prepared(path, 'stable')).baseCommit).toBe(sh(path, 'rev-parse', 'stable'));
  });

  test.each([
    ['repository_missing', () => fresh('nothing')],
    ['path_not_absolute', () => '.'],
    ['not_a_repository', () => mkdtempSync(join(root, 'plain-'))],
    [
      'not_a_repository',
      () => {
        const path = fresh('file');
        writeFileSync(path, '');
        return path;
      },
    ],
    [
      'no_commit',
      () => {
        const path = fresh('unborn');
        mkdirSync(path);
        sh(path, 'init', '-q', '-b', 'main');
        return path;
      },
    ],
    [
      'branch_blocked',
      () => {
        const path = repository();
        sh(path, 'branch', 'writ');
        return path;
      },
    ],
  ])('refuses with %s', async (code, path) => {
    expect(await prepare(path())).toMatchObject({ code, message: expect.any(String) });
  });

  test('refuses a base branch that is not there, and one that looks like an option', async () => {
    const path = repository();
    expect(await prepare(path, 'nope')).toMatchObject({ code: 'base_branch_missing' });
    expect(await prepare(path, '--all')).toMatchObject({ code: 'base_branch_missing' });
  });

  test('finds a folder, and refuses what is none or belongs to the system', async () => {
    const path = mkdtempSync(join(root, 'folder-'));
    const link = fresh('link');
    symlinkSync(path, link);
    const of = (folder: string) => prepareWorkspace(id, { kind: 'directory', path: folder }, []);
    expect(await of(link)).toEqual({ kind: 'directory', path });
    expect(await of(fresh('nothing'))).toMatchObject({ code: 'directory_missing' });
    expect(await of('/etc')).toMatchObject({ code: 'directory_too_wide' });
    expect(await of('/')).toMatchObject({ code: 'directory_too_wide' });
    expect(await of('relative')).toMatchObject({ code: 'path_not_absolute' });
  });
});

test('no workspace lies where Writ keeps what is its own; around it one may', async () => {
  const path = repository();
  const own = join(path, '.writ');
  const inside = join(own, 'content');
  mkdirSync(inside, { recursive: true });
  const directory = (folder: string) =>
    prepareWorkspace(id, { kind: 'directory', path: folder }, [own]);
  expect(await directory(own)).toMatchObject({ code: 'folder_of_writ' });
  expect(await directory(inside)).toMatchObject({ code: 'folder_of_writ' });
  expect(await directory(path)).toEqual({ kind: 'directory', path });
  const git = (folders: string[]) =>
    prepareWorkspace(id, { kind: 'git', repository: path }, folders);
  expect(await git([path])).toMatchObject({ code: 'folder_of_writ' });
  expect(await git([own])).toMatchObject({ kind: 'git', path });
});

describe('a step`s work tree', () => {
  test('shows what was changed, added and removed, and nothing that is ignored', async () => {
    const path = repository({ 'a.txt': 'a', 'b.txt': 'b', 'c.sh': 'c', '.gitignore': 'out/\n' });
    const { baseCommit = '' } = await prepared(path);
    const worktree = await worktreeOf(path, baseCommit);
    writeFileSync(join(worktree.path, 'a.txt'), 'changed');
    writeFileSync(join(worktree.path, 'nëw\tfile'), 'n');
    rmSync(join(worktree.path, 'b.txt'));
    chmodSync(join(worktree.path, 'c.sh'), 0o755);
    mkdirSync(join(worktree.path, 'out'));
    writeFileSync(join(worktree.path, 'out', 'x'), 'x');
    expect(await changesIn(worktree)).toEqual({
      changed: ['a.txt', 'c.sh', 'nëw\tfile'].sort(),
      deleted: ['b.txt'],
      nested: [],
    });
    expect(await ignoredOf(worktree, ['a.txt', 'out/x'])).toEqual(['out/x']);
    await removeWorktree(worktree);
  });

  test('that was only touched has not changed', async () => {
    const path = repository();
    const { baseCommit = '' } = await prepared(path);
    const worktree = await worktreeOf(path, baseCommit);
    writeFileSync(join(worktree.path, 'a.txt'), 'a\n');
    expect(await changesIn(worktree)).toEqual({ changed: [], deleted: [], nested: [] });
    await removeWorktree(worktree);
  });

  test('names a repository that was made inside of it', async () => {
    const path = repository();
    const worktree = await worktreeOf(path, (await prepared(path)).baseCommit ?? '');
    mkdirSync(join(worktree.path, 'inner'));
    sh(join(worktree.path, 'inner'), 'init', '-q');
    writeFileSync(join(worktree.path, 'inner', 'x'), 'x');
    expect((await changesIn(worktree)).nested).toEqual(['inner/']);
    await removeWorktree(worktree);
  });

  test('becomes a commit by Writ; without a change it is the start itself', async () => {
    const path = repository();
    const { baseCommit = '' } = await prepared(path);
    expect(await step(path, 'nothing', () => undefined)).toBe(baseCommit);
    const commit = await step(path, 'one', (it) => writeFileSync(join(it, 'one'), '1'));
    expect(sh(path, 'log', '-1', '--format=%an <%ae>|%cn|%P|%s', commit)).toBe(
      `Writ <writ@localhost>|Writ|${baseCommit}|one`,
    );
    expect(sh(path, 'rev-parse', `refs/writ/${id}/${id}-g1-one-a1`)).toBe(commit);
    expect(sh(path, 'show', '--format=', '--name-only', commit)).toBe('one');
  });

  test('whose .git was replaced by the step is committed from the repository all the same', async () => {
    const path = repository();
    const { baseCommit = '' } = await prepared(path);
    const trap = fresh('trap');
    const commit = await step(path, 'evil', (it) => {
      rmSync(join(it, '.git'));
      mkdirSync(join(it, '.git', 'objects'), { recursive: true });
      mkdirSync(join(it, '.git', 'refs'));
      writeFileSync(join(it, '.git', 'HEAD'), 'ref: refs/heads/main\n');
      const command = `touch ${trap}`;
      writeFileSync(
        join(it, '.git', 'config'),
        `[core]\n\tfsmonitor = "${command}"\n\tsshCommand = "${command}"\n[filter "x"]\n\tclean = "${command}; cat"\n`,
      );
      writeFileSync(join(it, '.gitattributes'), '* filter=x\n');
      writeFileSync(join(it, 'result'), 'r');
    });
    expect(existsSync(trap)).toBe(false);
    expect(sh(path, 'diff', '--name-only', baseCommit, commit).split('\n').sort()).toEqual([
      '.gitattributes',
      'result',
    ]);
  });

  test('of a stale claim does not move the ref of the run that was taken over', async () => {
    const path = repository();
    const { baseCommit = '' } = await prepared(path);
    const ref = `refs/writ/${id}/run`;
    const [stale, current] = [
      await worktreeOf(path, baseCommit),
      await worktreeOf(path, baseCommit),
    ];
    writeFileSync(join(current.path, 'x'), 'current');
    const commit = await commitCandidate(current, { message: 'm', ref, seen: undefined });
    writeFileSync(join(stale.path, 'x'), 'stale');
    await expect(commitCandidate(stale, { message: 'm', ref, seen: undefined })).rejects.toThrow(
      'belongs to somebody else',
    );
    expect(sh(path, 'rev-parse', ref)).toBe(commit);
    for (const it of [stale, current]) await removeWorktree(it);
  });

  test('is made and removed beside many others at the same time, also by other processes', async () => {
    const path = repository();
    const { baseCommit = '' } = await prepared(path);
    const others = Array.from({ length: 5 }, async (_, at) => {
      // As another process would: without waiting for its turn in this one.
      const tree = fresh(`other${at}`);
      await addInPeace(path, tree, baseCommit);
      const adminDir = sh(tree, 'rev-parse', '--absolute-git-dir');
      await removeWorktree({ path: tree, adminDir });
    });
    const ours = Array.from({ length: 5 }, async () => {
      const worktree = await worktreeOf(path, baseCommit);
      expect(await changesIn(worktree)).toEqual({ changed: [], deleted: [], nested: [] });
      await removeWorktree(worktree);
    });
    await Promise.all([...others, ...ours]);
    expect(ofTheUser(path).worktrees).toEqual([]);
    expect(readdirSync(join(path, '.git')).filter((it) => it.startsWith('writ-'))).toEqual([]);
  });

  test('works on a bare repository and on a sparse one', async () => {
    const path = repository();
    mkdirSync(join(path, 'kept'));
    writeFileSync(join(path, 'kept', 'k'), 'k');
    sh(path, 'add', '-A');
    sh(path, 'commit', '-qm', 'more');
    const bare = fresh('bare');
    sh(root, 'clone', '-q', '--bare', path, bare);
    await prepared(bare);
    const inBare = await step(bare, 'b', (it) => writeFileSync(join(it, 'new'), 'n'));
    expect(sh(bare, 'show', '--format=', '--name-only', inBare)).toBe('new');
    sh(path, 'sparse-checkout', 'set', 'kept');
    await prepared(path);
    const commit = await step(path, 's', (it) => {
      expect(existsSync(join(it, 'a.txt'))).toBe(true);
      mkdirSync(join(it, 'elsewhere'));
      writeFileSync(join(it, 'elsewhere', 'new'), 'n');
    });
    expect(sh(path, 'show', '--format=', '--name-only', commit)).toBe('elsewhere/new');
  });
});

describe('merging', () => {
  const write = (name: string, text: string) => (folder: string) =>
    writeFileSync(join(folder, name), text);

  test('goes forward where it can, and a second time does nothing', async () => {
    const path = repository();
    await prepared(path);
    const commit = await step(path, 'one', write('one', '1'));
    expect(await merge(path, commit)).toEqual({ merged: true, head: commit });
    expect(await merge(path, commit)).toEqual({ merged: true, head: commit });
    expect(sh(path, 'rev-parse', branch)).toBe(commit);
  });

  test('makes a merge commit of parallel steps, whoever merges when', async () => {
    const path = repository();
    await prepared(path);
    const commits: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      commits.push(await step(path, name, write(`${name}.new`, name)));
    }
    const merged = await Promise.all(commits.map((commit) => merge(path, commit)));
    expect(merged.every((it) => it.merged)).toBe(true);
    expect(sh(path, 'ls-tree', '--name-only', branch).split('\n')).toEqual([
      ...['a.new', 'a.txt', 'b.new', 'c.new', 'd.new'],
    ]);
    expect(sh(path, 'rev-list', '--count', '--merges', branch)).toBe('3');
  });

  test('names the files of a conflict and leaves the branch alone', async () => {
    const path = repository({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    await prepared(path);
    const one = await step(path, 'one', write('a.txt', 'one\n'));
    const two = await step(path, 'two', (it) => {
      write('a.txt', 'two\n')(it);
      write('b.txt', 'two\n')(it);
    });
    await merge(path, one);
    expect(await merge(path, two)).toMatchObject({ merged: false, paths: ['a.txt'] });
    expect(sh(path, 'rev-parse', branch)).toBe(one);
  });

  test('does the same with a git that knows no merge-tree', async () => {
    const path = repository({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
    await prepared(path);
    const one = await step(path, 'one', write('a.txt', 'one\n'));
    const two = await step(path, 'two', write('a.txt', 'two\n'));
    const three = await step(path, 'three', write('c.txt', 'three\n'));
    const request = { repository: path, scratch: root };
    expect(await treeByWorktree(one, { ...request, commit: two })).toEqual({ paths: ['a.txt'] });
    const tree = await treeByWorktree(one, { ...request, commit: three });
    expect(sh(path, 'ls-tree', '--name-only', String(tree)).split('\n')).toEqual([
      'a.txt',
      'b.txt',
      'c.txt',
    ]);
    expect(ofTheUser(path).worktrees).toEqual([]);
    expect(await knowsMergeTree()).toEqual(expect.any(Boolean));
  });

  test('of a commit or into a branch that is gone is a conflict, not an endless retry', async () => {
    const path = repository();
    const { baseCommit = '' } = await prepared(path);
    expect(await merge(path, 'f'.repeat(40))).toMatchObject({ merged: false });
    sh(path, 'branch', '-D', branch);
    expect(await merge(path, baseCommit)).toMatchObject({ merged: false });
  });
});

test('the user`s work tree, index, branches, configuration and hooks are never touched', async () => {
  const path = repository({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
  sh(path, 'branch', 'other');
  const hooks = join(path, '.git', 'hooks');
  const rang = fresh('rang');
  mkdirSync(hooks, { recursive: true });
  for (const name of [
    'post-checkout',
    'pre-commit',
    'post-commit',
    'reference-transaction',
    'post-merge',
    'pre-merge-commit',
    'post-index-change',
  ]) {
    writeFileSync(join(hooks, name), `#!/bin/sh\ntouch ${rang}\n`, { mode: 0o755 });
  }
  writeFileSync(join(path, 'a.txt'), 'edited by the user\n');
  writeFileSync(join(path, 'staged'), 's');
  execFileSync('git', ['-c', 'core.hooksPath=/dev/null', 'add', 'staged'], {
    cwd: path,
    env: environment,
  });
  writeFileSync(join(path, 'untracked'), 'u');
  const quiet = ['-c', 'core.hooksPath=/dev/null'];
  const status = () =>
    execFileSync('git', [...quiet, 'status', '--porcelain'], {
      cwd: path,
      env: environment,
    }).toString();
  const before = status();
  const index = readFileSync(join(path, '.git', 'index')).toString('hex');
  rmSync(rang, { force: true });
  await prepared(path);
  const one = await step(path, 'one', (it) => writeFileSync(join(it, 'a.txt'), 'one\n'));
  const two = await step(path, 'two', (it) => writeFileSync(join(it, 'b.txt'), 'two\n'));
  await merge(path, one);
  await merge(path, two);
  expect(existsSync(rang)).toBe(false);
  expect(readFileSync(join(path, '.git', 'index')).toString('hex')).toBe(index);
  expect(status()).toBe(before);
  const after = ofTheUser(path);
  expect(after.worktrees).toEqual([]);
  expect(after.head).toBe('ref: refs/heads/main\n');
  expect(after.branches.split('\n').filter((it) => it !== '')).toEqual([
    'refs/heads/main',
    'refs/heads/other',
  ]);
  expect(readFileSync(join(path, 'a.txt'), 'utf8')).toBe('edited by the user\n');
});
