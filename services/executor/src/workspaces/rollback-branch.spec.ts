/** Branches that go back, with real git; and the events that say so. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { streamOf, type RecordedEvent, type WorkspaceWork } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { MemoryWorld, type MemoryExecutor } from '../memory-executor';
import { commitOf } from './git';
import { isWorkspaceRefusal, prepareWorkspace, type Prepared } from './prepare-workspace';
import { rollbackBranch, type RollbackRequest } from './rollback-branch';

jest.setTimeout(120_000);

const root = realpathSync(mkdtempSync(join(tmpdir(), 'writ-rollback-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const id = 'abcdefgh12345678';
const branch = `writ/${id}`;
const who = { NAME: 'U', EMAIL: 'u@x' };
const environment = {
  ...{ PATH: process.env['PATH'] ?? '', HOME: root, GIT_CONFIG_GLOBAL: '/dev/null' },
  ...Object.fromEntries(
    Object.entries(who).flatMap(([name, value]) => [
      [`GIT_AUTHOR_${name}`, value],
      [`GIT_COMMITTER_${name}`, value],
    ]),
  ),
};
const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', args, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    .toString()
    .trim();

let count = 0;

/** A prepared repository whose branch has a commit for each name on top of the base. */
async function repository(...names: string[]) {
  const path = join(root, `r${(count += 1)}`);
  mkdirSync(path);
  git(path, 'init', '-q', '-b', 'main');
  writeFileSync(join(path, 'a.txt'), 'a\n');
  git(path, 'add', '-A');
  git(path, 'commit', '-qm', 'first');
  const prepared = await prepareWorkspace(id, { kind: 'git', repository: path }, []);
  if (isWorkspaceRefusal(prepared)) throw new Error(prepared.code);
  const commits = names.map((name) => commitOnto(path, name));
  return { path, base: (prepared as Required<Prepared>).baseCommit, commits };
}

function commitOnto(path: string, name: string): string {
  const parent = git(path, 'rev-parse', branch);
  const tree = git(path, 'rev-parse', `${parent}^{tree}`);
  const commit = git(path, 'commit-tree', tree, '-p', parent, '-m', name);
  git(path, 'update-ref', `refs/heads/${branch}`, commit);
  return commit;
}

const request = (path: string, expected = '', to = ''): RollbackRequest => ({
  ...{ directiveId: id, repository: path, branch, expected, to },
});
const refs = (path: string, under: string) =>
  git(path, 'for-each-ref', '--format=%(objectname) %(refname)', under).split('\n').filter(Boolean);
const keptRefs = (path: string) => refs(path, 'refs/writ/rolled-back');

/** Everything of a repository that is the user's. */
const ofTheUser = (path: string) => ({
  status: git(path, 'status', '--porcelain', '--untracked-files=all'),
  head: readFileSync(join(path, '.git', 'HEAD'), 'utf8'),
  index: readFileSync(join(path, '.git', 'index')).toString('hex'),
  file: readFileSync(join(path, 'a.txt'), 'utf8'),
  refs: refs(path, 'refs').filter((it) => !/refs\/(heads\/writ|writ\/rolled-back)\//.test(it)),
});

describe('a branch that goes back', () => {
  it('is at the earlier commit, and what was there is kept', async () => {
    const { path, commits } = await repository('one', 'two', 'three');
    const [one = '', , three = ''] = commits;
    const done = await rollbackBranch(request(path, three, one));
    expect(done).toEqual({ kept: `refs/writ/rolled-back/${id}/1` });
    expect(await commitOf(branch, { cwd: path })).toBe(one);
    expect(keptRefs(path)).toEqual([`${three} refs/writ/rolled-back/${id}/1`]);
  });

  it('leaves the work tree, the index and all other refs of the user as they are', async () => {
    const { path, base, commits } = await repository('one', 'two');
    git(path, 'branch', 'other', commits[1]!);
    git(path, 'tag', 'mine', commits[1]!);
    writeFileSync(join(path, 'a.txt'), 'changed by the user\n');
    writeFileSync(join(path, 'new.txt'), 'of the user\n');
    const before = ofTheUser(path);
    await rollbackBranch(request(path, commits[1], base));
    expect(await commitOf(branch, { cwd: path })).toBe(base);
    expect(ofTheUser(path)).toEqual(before);
  });

  it('keeps each one under a number of its own', async () => {
    const { path, commits } = await repository('one', 'two');
    const [one = '', two = ''] = commits;
    await rollbackBranch(request(path, two, one));
    const again = commitOnto(path, 'again');
    expect(await rollbackBranch(request(path, again, one))).toEqual({
      kept: `refs/writ/rolled-back/${id}/2`,
    });
    expect(keptRefs(path)).toEqual([
      `${two} refs/writ/rolled-back/${id}/1`,
      `${again} refs/writ/rolled-back/${id}/2`,
    ]);
  });

  it('was cut off before it was said: is found done, and not done twice', async () => {
    const { path, commits } = await repository('one', 'two');
    const [one = '', two = ''] = commits;
    const first = await rollbackBranch(request(path, two, one));
    expect(await rollbackBranch(request(path, two, one))).toEqual(first);
    expect(keptRefs(path)).toHaveLength(1);
  });

  it('was cut off between the ref and the move: goes on with that ref', async () => {
    const { path, commits } = await repository('one', 'two');
    const kept = `refs/writ/rolled-back/${id}/1`;
    git(path, 'update-ref', kept, commits[1]!);
    expect(await rollbackBranch(request(path, commits[1], commits[0]))).toEqual({ kept });
    expect(keptRefs(path)).toHaveLength(1);
  });

  it('asked for by several at once, goes back once', async () => {
    const { path, commits } = await repository('one', 'two');
    const [one = '', two = ''] = commits;
    const all = [1, 2, 3, 4].map(() => rollbackBranch(request(path, two, one)));
    const kept = { kept: `refs/writ/rolled-back/${id}/1` };
    expect(await Promise.all(all)).toEqual([kept, kept, kept, kept]);
    expect(keptRefs(path)).toHaveLength(1);
  });

  it('that is where it is to be keeps nothing', async () => {
    const { path, commits } = await repository('one');
    expect(await rollbackBranch(request(path, commits[0], commits[0]))).toEqual({});
    expect(keptRefs(path)).toEqual([]);
  });
});

describe('a rollback is refused, and nothing moves,', () => {
  const refused = async (path: string, expected: string, to: string) => {
    const before = refs(path, 'refs');
    const answer = await rollbackBranch(request(path, expected, to));
    expect(refs(path, 'refs')).toEqual(before);
    return answer;
  };

  it('when the branch is somewhere else by now', async () => {
    const { path, commits } = await repository('one', 'two', 'three');
    const [one = '', two = '', three = ''] = commits;
    const answer = await refused(path, two, one);
    expect(answer).toMatchObject({ code: 'branch_moved' });
    expect(JSON.stringify(answer)).toContain(three);
  });

  it('when it is at the target, but not from where it is said to have been', async () => {
    const { path, commits } = await repository('one', 'two');
    git(path, 'update-ref', `refs/heads/${branch}`, commits[0]!);
    expect(await refused(path, commits[1]!, commits[0]!)).toMatchObject({ code: 'branch_moved' });
  });

  it('when the target is no earlier state of it', async () => {
    const { path, commits, base } = await repository('one');
    const tree = git(path, 'rev-parse', `${base}^{tree}`);
    const beside = git(path, 'commit-tree', tree, '-p', base, '-m', 'beside');
    const answer = await refused(path, commits[0]!, beside);
    expect(answer).toMatchObject({ code: 'not_an_ancestor' });
  });

  it('when the target is older than what the directive began with', async () => {
    const { path, commits, base } = await repository('one');
    const [one = ''] = commits;
    git(path, 'update-ref', `refs/writ/${id}/base`, one);
    expect(await refused(path, one, base)).toMatchObject({ code: 'before_the_base' });
  });

  it('when the branch or the commit is gone', async () => {
    const { path, commits } = await repository('one');
    const nowhere = '1'.repeat(40);
    expect(await refused(path, commits[0]!, nowhere)).toMatchObject({ code: 'commit_missing' });
    git(path, 'update-ref', '-d', `refs/heads/${branch}`);
    expect(await refused(path, commits[0]!, nowhere)).toMatchObject({ code: 'branch_missing' });
  });

  it('when somebody has the branch checked out: to them it would look like changes of theirs', async () => {
    const { path, base, commits } = await repository('one');
    git(path, 'checkout', '-q', branch);
    const answer = await refused(path, commits[0]!, base);
    expect(answer).toMatchObject({ code: 'branch_checked_out' });
    expect(JSON.stringify(answer)).toContain(path);
  });
});

describe('the work item', () => {
  let world: MemoryWorld;
  let one: MemoryExecutor;
  beforeAll(async () => {
    world = new MemoryWorld();
    one = await world.open('one');
    await world.open('two');
  });
  afterAll(() => world.close());

  const workOf = (path: string, more: object): WorkspaceWork =>
    ({ op: 'rollback', ...request(path), ...more }) as WorkspaceWork;

  async function said(count: number): Promise<RecordedEvent[]> {
    let found: RecordedEvent[] = [];
    const looks = async () => {
      found = await world.log.readStream(streamOf.workspace(id));
      return found.length >= count;
    };
    await eventually(looks, { what: `${count} events of the workspace`, timeoutMs: 60_000 });
    return found;
  }

  it('is said once, however often it comes; another one is another', async () => {
    const { path, commits } = await repository('one', 'two');
    const [to = '', two = ''] = commits;
    const work = workOf(path, { rollbackId: 'r-1', expected: two, to });
    await Promise.all([world.ring(work), world.ring(work), world.ring(work)]);
    const [event] = await said(1);
    const kept = `refs/writ/rolled-back/${id}/1`;
    expect(event).toMatchObject({
      type: 'WorkspaceRolledBack',
      data: { directiveId: id, rollbackId: 'r-1', from: two, to, kept },
    });
    await world.ring(workOf(path, { rollbackId: 'r-2', expected: two, to }));
    await said(2);
    git(path, 'update-ref', `refs/heads/${branch}`, two);
    await world.ring(workOf(path, { rollbackId: 'r-3', expected: to, to }));
    const all = await said(3);
    expect(all.map((it) => (it.data as { rollbackId: string }).rollbackId).sort()).toEqual([
      ...['r-1', 'r-2', 'r-3'],
    ]);
    const refusal = all.find((it) => it.type === 'WorkspaceRollbackRefused');
    expect(refusal?.data).toMatchObject({ rollbackId: 'r-3', code: 'branch_moved' });
  });

  it.each([
    ['a branch that is not its own', { branch: 'main' }],
    ['a commit that is an option', { to: '--all' }],
    ['a commit that is a name', { expected: 'HEAD' }],
  ])('with %s touches nothing', async (_, wrong) => {
    const { path, commits } = await repository('one', 'two');
    const before = refs(path, 'refs');
    const events = (await said(0)).length;
    const letters = (await one.bus.deadLetters.list()).length;
    const work = { rollbackId: 'r-bad', expected: commits[1], to: commits[0], ...wrong };
    await world.ring(workOf(path, work));
    const what = { what: 'a dead letter', timeoutMs: 60_000 };
    await eventually(async () => (await one.bus.deadLetters.list()).length > letters, what);
    expect(refs(path, 'refs')).toEqual(before);
    expect(await said(0)).toHaveLength(events);
  });
});
