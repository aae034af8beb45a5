/** A directive's life in a repository: prepared, worked in, merged; on memory, with real git. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  streamOf,
  type ArtifactRef,
  type RunEnded,
  type RunWork,
  type WorkspaceEvent,
  type WorkspaceWork,
} from '@writ/contracts';
import { eventually } from '@writ/testing';
import { keepWorkspace } from './keep-workspace';
import { MemoryWorld, workOf, type MemoryExecutor } from './memory-executor';
import { FolderSweeper } from './folder-sweeper';
import { sweepWorkFolders } from './work-folders';

// Each of these waits is for many processes of git, which take their time where many want the machine.
const patienceMs = 60_000;
jest.setTimeout(3 * patienceMs);
const until = <T>(check: () => T | Promise<T>, what: string): Promise<T> =>
  eventually(check, { what, timeoutMs: patienceMs });

let world: MemoryWorld;
let one: MemoryExecutor;
let root: string;
beforeAll(async () => {
  world = new MemoryWorld();
  one = await world.open('one');
  await world.open('two');
  root = realpathSync(mkdtempSync(join(tmpdir(), 'writ-repositories-')));
});
afterAll(async () => {
  await world.close();
  rmSync(root, { recursive: true, force: true });
});

const who = {
  GIT_AUTHOR_NAME: 'U',
  GIT_AUTHOR_EMAIL: 'u@x',
  GIT_COMMITTER_NAME: 'U',
  GIT_COMMITTER_EMAIL: 'u@x',
};
const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', args, {
    cwd,
    env: { ...process.env, ...who },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
    .toString()
    .trim();

let repositories = 0;
function repository(
  files: Record<string, string> = { 'a.txt': 'a\n', '.gitignore': 'ignored/\n' },
): string {
  const path = join(root, `r${(repositories += 1)}`);
  mkdirSync(path);
  git(path, 'init', '-q', '-b', 'main');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  git(path, 'add', '-A');
  git(path, 'commit', '-qm', 'first', '--date=2026-01-01T00:00:00Z');
  return path;
}

const idOf = (name: string) => `${name}0000000000000000`.slice(0, 16);

async function said(directiveId: string, type: string, count = 1): Promise<WorkspaceEvent[]> {
  let found: WorkspaceEvent[] = [];
  await until(async () => {
    const events = await world.log.readStream(streamOf.workspace(directiveId));
    found = events.filter((event) => event.type === type) as unknown as WorkspaceEvent[];
    return found.length >= count;
  }, `${count} ${type} of ${directiveId}`);
  return found;
}

interface Prepared {
  directiveId: string;
  path: string;
  branch: string;
  baseCommit: string;
}

async function prepare(name: string, path: string): Promise<Prepared> {
  const directiveId = idOf(name);
  const work: WorkspaceWork = {
    op: 'prepare',
    directiveId,
    workspace: { kind: 'git', repository: path },
  };
  await world.ring(work);
  const [event] = await said(directiveId, 'WorkspacePrepared');
  return event?.data as unknown as Prepared;
}

/** The work of a step in the repository. */
const stepWork = (
  { directiveId, path, branch, baseCommit }: Prepared,
  script: string,
  more: Partial<RunWork> = {},
) =>
  workOf({
    directiveId,
    adapter: { kind: 'shell', script },
    workspace: { spec: { kind: 'git', repository: path }, path, branch, baseCommit },
    ...more,
  });

async function run(work: RunWork): Promise<RunEnded> {
  const { step, runId, attempt, directiveId } = work;
  await world.append(streamOf.directive(directiveId), 'StepStarted', { step, runId, attempt });
  await world.ring(work);
  const end = await until(async () => (await world.endOf(runId)) ?? false, `the end of ${runId}`);
  return end || ({} as RunEnded);
}

const mergeWork = (
  { directiveId, path, branch }: Prepared,
  { runId, step, commit = '' }: RunEnded,
): WorkspaceWork => ({
  ...{ op: 'merge', directiveId, runId, step, title: 'A title', repository: path, branch, commit },
});

async function merge(prepared: Prepared, end: RunEnded): Promise<void> {
  await world.ring(mergeWork(prepared, end));
  await until(
    async () =>
      (await world.log.readStream(streamOf.workspace(prepared.directiveId))).some(
        (event) => (event.data as { runId?: string }).runId === end.runId,
      ),
    `the merge of ${end.runId}`,
  );
}

const names = (artifacts: readonly ArtifactRef[]) => artifacts.map(({ path }) => path);

test('a repository is prepared once, however often and by whomever it is asked for', async () => {
  const path = repository();
  const directiveId = idOf('prepareonce');
  const work: WorkspaceWork = {
    op: 'prepare',
    directiveId,
    workspace: { kind: 'git', repository: path },
  };
  await Promise.all(Array.from({ length: 10 }, () => world.ring(work)));
  await said(directiveId, 'WorkspacePrepared');
  let heard = 0;
  await one.bus.listen(
    `writ.event.workspace.${directiveId}.WorkspacePrepared`,
    () => void (heard += 1),
  );
  await world.ring(work);
  await until(() => heard > 0, 'it to be told again');
  const events = await world.log.readStream(streamOf.workspace(directiveId));
  expect(events).toHaveLength(1);
  expect(events[0]?.data).toEqual({
    ...{ directiveId, kind: 'git', path, branch: `writ/${directiveId}` },
    baseCommit: git(path, 'rev-parse', 'main'),
  });
});

test('what cannot be prepared is refused with a code', async () => {
  const directiveId = idOf('refused');
  const workspace = { kind: 'git', repository: join(root, 'nothing-here') } as const;
  await world.ring({ op: 'prepare', directiveId, workspace });
  const [event] = await said(directiveId, 'WorkspaceRefused');
  expect(event?.data).toMatchObject({ code: 'repository_missing' });
});

test('a step works in a tree of its own, becomes a commit, and is merged', async () => {
  const prepared = await prepare('lifeofastep', repository());
  const end = await run(
    stepWork(
      prepared,
      'git log --format=%s; git status --porcelain; echo b > b.txt; rm a.txt; mkdir ignored; echo i > ignored/i',
      {
        outputs: ['ignored/i'],
      },
    ),
  );
  expect(end).toMatchObject({ result: 'success', stdout: 'first\n', deleted: ['a.txt'] });
  expect(names(end.artifacts)).toEqual(['b.txt', 'ignored/i']);
  const { path, branch, baseCommit } = prepared;
  expect(
    git(path, 'show', '--format=%an%n%P%n%B', '--name-status', end.commit ?? '').split('\n'),
  ).toEqual([
    ...['Writ', baseCommit, end.step, '', `Directive: ${end.directiveId}`, `Step: ${end.step}`],
    ...[`Run: ${end.runId}`, '', '', 'D\ta.txt', 'A\tb.txt'],
  ]);
  expect(git(path, 'rev-parse', branch)).toBe(baseCommit);
  await merge(prepared, end);
  expect(git(path, 'rev-parse', branch)).toBe(end.commit);
  const [merged] = await said(prepared.directiveId, 'StepMerged');
  expect(merged?.data).toMatchObject({ runId: end.runId, commit: end.commit });
  const trees = () => git(path, 'worktree', 'list').split('\n').length;
  await until(() => trees() === 1, 'its tree to be removed'); // after its end is told
  expect(git(path, 'status', '--porcelain')).toBe('');
});

test('the diff of a run is kept, and the edits of a person are merged with it', async () => {
  const prepared = await prepare('editedbyada', repository());
  const end = await run(stepWork(prepared, 'echo step > b.txt; echo more >> a.txt'));
  const diff = Buffer.from(await world.content.get(end.diff ?? '')).toString();
  expect(diff).toContain('diff --git a/a.txt b/a.txt');
  expect(diff).toContain('\n a\n+more\n');
  expect(diff).toContain('+++ b/b.txt\n@@ -0,0 +1 @@\n+step\n');
  const { digest, bytes } = await world.content.put(Buffer.from('ada\n'));
  const edits = [{ path: 'b.txt', digest, bytes, authoredBy: 'ada' }];
  await world.ring({ ...mergeWork(prepared, end), edits } as WorkspaceWork);
  const [merged] = await said(prepared.directiveId, 'StepMerged');
  const { commit } = merged?.data as { commit: string };
  const { path, branch } = prepared;
  expect(git(path, 'rev-parse', branch)).toBe(commit);
  expect(git(path, 'log', '-2', '--format=%an', commit).split('\n')).toEqual(['ada', 'Writ']);
  expect(git(path, 'show', `${commit}:b.txt`)).toBe('ada');
});

test('a run that changed nothing has no diff', async () => {
  const prepared = await prepare('nothingnew', repository());
  expect((await run(stepWork(prepared, 'true'))).diff).toBeUndefined();
});

test('a step that is sent back goes on with what it made, as changes of its own', async () => {
  const prepared = await prepare('sentback', repository());
  const first = await run(
    stepWork(prepared, 'echo b > b.txt; rm a.txt; mkdir ignored; echo i > ignored/i', {
      outputs: ['ignored/i'],
    }),
  );
  // Meanwhile another step was merged.
  await merge(prepared, await run(stepWork(prepared, 'echo other > other.txt')));
  const { runId, commit, artifacts } = first;
  const script =
    'git status --porcelain; ls; cat ignored/i "$WRIT_REWORK"; echo more >> b.txt; echo c > c.txt';
  const again = await run(
    stepWork(prepared, script, {
      ...{ step: first.step, attempt: 2, runId: runId.replace(/a1$/, 'a2') },
      rework: {
        instructions: 'more',
        checks: [{ name: 'tests', passed: false, output: 'too few' }],
        previous: { runId, commit, artifacts },
        continues: true,
      },
    }),
  );
  const [said = '', told = ''] = (again.stdout ?? '').split(/(?=^\{)/m);
  expect(said).toBe(' D a.txt\n?? b.txt\nb.txt\nignored\ni\n');
  expect(JSON.parse(told)).toEqual({
    instructions: 'more',
    checks: [{ name: 'tests', passed: false, output: 'too few' }],
    diff: expect.stringMatching(/deleted file[^]*a\.txt[^]*\+b\n$/) as string,
  });
  expect(JSON.parse(told).diff).not.toContain('other');
  expect(again).toMatchObject({ deleted: ['a.txt'] });
  expect(names(again.artifacts)).toEqual(['b.txt', 'c.txt']);
  const { path, branch, baseCommit } = prepared;
  expect(git(path, 'rev-parse', `${again.commit}^`)).toBe(baseCommit);
  await merge(prepared, again);
  expect(git(path, 'show', `${branch}:b.txt`)).toBe('b\nmore');
  expect(git(path, 'show', `${branch}:other.txt`)).toBe('other');
});

test('one that was in conflict begins where the branch is by then', async () => {
  const prepared = await prepare('inconflict', repository());
  const first = await run(stepWork(prepared, 'echo mine > a.txt'));
  await merge(prepared, await run(stepWork(prepared, 'echo theirs > a.txt')));
  const { runId, commit, artifacts } = first;
  const again = await run(
    stepWork(prepared, 'cat a.txt; echo both > a.txt', {
      ...{ step: first.step, attempt: 2, runId: runId.replace(/a1$/, 'a2') },
      rework: {
        ...{ instructions: 'again', checks: [], continues: false },
        previous: { runId, commit, artifacts },
      },
    }),
  );
  expect(again.stdout).toBe('theirs\n');
  await merge(prepared, again);
  expect(git(prepared.path, 'show', `${prepared.branch}:a.txt`)).toBe('both');
});

test('the next step starts from there; what is ignored is laid beside', async () => {
  const prepared = await prepare('nextstep', repository());
  const first = await run(
    stepWork(prepared, 'mkdir ignored; echo i > ignored/i; echo b > b.txt', {
      outputs: ['ignored/i'],
    }),
  );
  await merge(prepared, first);
  const dependencies = [{ step: first.step, runId: first.runId, artifacts: first.artifacts }];
  const second = await run(stepWork(prepared, 'cat b.txt ignored/i', { dependencies }));
  expect(second).toMatchObject({ result: 'success', stdout: 'b\ni\n', artifacts: [] });
  expect(second.commit).toBe(first.commit);
});

test('parallel steps are merged one after the other; a conflict names its files', async () => {
  const prepared = await prepare('parallel', repository());
  const works = ['echo b > b.txt', 'echo c > c.txt', 'echo x > a.txt', 'echo y > a.txt'].map((it) =>
    stepWork(prepared, it),
  );
  const ends = await Promise.all(works.map(run));
  expect(ends.map((end) => end.error)).toEqual(ends.map(() => undefined));
  await Promise.all(ends.map((end) => merge(prepared, end)));
  expect(await said(prepared.directiveId, 'StepMerged', 3)).toHaveLength(3);
  const [conflict] = await said(prepared.directiveId, 'StepMergeConflicted');
  expect(conflict?.data).toMatchObject({ paths: ['a.txt'] });
  expect(git(prepared.path, 'ls-tree', '--name-only', prepared.branch).split('\n')).toEqual([
    ...['.gitignore', 'a.txt', 'b.txt', 'c.txt'],
  ]);
});

test('in one executor merges into a branch take turns: none is made in vain', async () => {
  const prepared = await prepare('taketurns', repository());
  const scripts = ['b', 'c', 'd', 'e'].map((name) => `echo ${name} > ${name}.txt`);
  const ends = await Promise.all(scripts.map((it) => run(stepWork(prepared, it))));
  const merged = ends.map((end, index) =>
    keepWorkspace(one, {
      subject: 'writ.work.workspace',
      data: mergeWork(prepared, end),
      attributes: { id: `turn-${index}`, type: 'writ.work', source: '/test' },
      deliveryCount: 1,
      signal: new AbortController().signal,
    }),
  );
  await Promise.all(merged);
  expect(await said(prepared.directiveId, 'StepMerged', 4)).toHaveLength(4);
  expect(git(prepared.path, 'fsck', '--unreachable', '--no-reflogs')).not.toContain('commit');
});

test('a merge that comes again is told again', async () => {
  const prepared = await prepare('mergeagain', repository());
  const end = await run(stepWork(prepared, 'echo b > b.txt'));
  await merge(prepared, end);
  let heard = 0;
  await one.bus.listen(
    `writ.event.workspace.${prepared.directiveId}.StepMerged`,
    () => void (heard += 1),
  );
  await world.ring(mergeWork(prepared, end));
  await until(() => heard === 1, 'it to be told again');
  expect(await said(prepared.directiveId, 'StepMerged')).toHaveLength(1);
});

test('a merge of something that is no commit, or into another branch, is a dead letter', async () => {
  const prepared = await prepare('nocommit', repository());
  const end = await run(stepWork(prepared, 'echo b > b.txt'));
  await world.ring(mergeWork(prepared, { ...end, commit: '--all' }));
  await world.ring({ ...mergeWork(prepared, end), branch: 'main' });
  await until(async () => (await one.bus.deadLetters.list()).length === 2, 'dead letters');
});

test('a step cannot write into the repository itself, nor be believed about it', async () => {
  const prepared = await prepare('intruder', repository());
  const attack =
    'common=$(git rev-parse --git-common-dir); echo evil >> "$common/config"; git branch evil; git commit -qam x; rm -rf .git; git init -q .; echo mine > mine.txt';
  const end = await run(stepWork(prepared, attack));
  expect(end.commit).toMatch(/^[0-9a-f]{40}$/);
  expect(names(end.artifacts)).toEqual(['mine.txt']);
  expect(git(prepared.path, 'show', '--format=%an', '--name-only', end.commit ?? '')).toBe(
    'Writ\n\nmine.txt',
  );
  if (one.programs.sandbox.level !== 'S2') return;
  expect(
    git(prepared.path, 'for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n'),
  ).toEqual([...['main', prepared.branch]]);
});

test('what is refused among the changes fails the step, and nothing is committed', async () => {
  const prepared = await prepare('refusedchange', repository());
  const { directiveId, path } = prepared;
  const scripts = [
    'ln -s /etc/passwd link',
    'mkdir inner; cd inner; git init -q; touch x',
    'mkfifo pipe; ln a.txt hard',
  ];
  for (const script of scripts) {
    const end = await run(stepWork(prepared, script));
    expect(end).toMatchObject({ result: 'failed', error: { kind: 'output' }, artifacts: [] });
    expect(end.commit).toBeUndefined();
    expect(git(path, 'for-each-ref', `refs/writ/${directiveId}/${end.runId}`)).toBe('');
  }
});

test('the same step in the same state of another directive is taken from the cache and committed', async () => {
  const path = repository();
  const first = await prepare('cachedone', path);
  const second = await prepare('cachedtwo', path);
  const script = 'echo b > b.txt; rm a.txt; mkdir sub; echo tool > sub/tool; chmod +x sub/tool';
  const made = await run(stepWork(first, script, { cache: true, step: 'same' }));
  const taken = await run(stepWork(second, script, { cache: true, step: 'same' }));
  expect([made.result, taken.result]).toEqual(['success', 'skipped']);
  expect(taken).toMatchObject({ source: { runId: made.runId }, deleted: ['a.txt'] });
  expect(taken.artifacts).toEqual(made.artifacts);
  const tree = (commit = '') => git(path, 'rev-parse', `${commit}^{tree}`);
  expect(tree(taken.commit)).toBe(tree(made.commit));
  expect(git(path, 'ls-tree', taken.commit ?? '', 'sub/')).toContain('100755');
  await merge(second, taken);
  expect(git(path, 'rev-parse', second.branch)).toBe(taken.commit);
});

test('an echo step changes nothing and can be merged', async () => {
  const prepared = await prepare('echostep', repository());
  const end = await run(stepWork(prepared, '', { adapter: { kind: 'echo', output: 'x' } }));
  expect(end).toMatchObject({ result: 'success', commit: prepared.baseCommit });
  await merge(prepared, end);
  expect(git(prepared.path, 'rev-parse', prepared.branch)).toBe(prepared.baseCommit);
});

test('what a process that died has left is removed at the next start, except what is worked on', async () => {
  const prepared = await prepare('leftovers', repository());
  const data = one.programs.dataDir;
  const long = stepWork(prepared, 'echo up; until [ -e go ]; do sleep 0.05; done; cat a.txt');
  const running = run(long);
  await until(async () => (await world.typesOf(long.runId)).length > 0, 'its start');
  const left = join(data, 'runs', 'leftovers0000000-g1-dead-a1');
  const tree = join(data, 'workspaces', prepared.directiveId, 'leftovers0000000-g1-dead-a1');
  mkdirSync(join(left, 'own'), { recursive: true });
  git(prepared.path, 'worktree', 'add', '-q', '--detach', tree, prepared.baseCommit);
  const adminDir = git(tree, 'rev-parse', '--absolute-git-dir');
  writeFileSync(join(left, 'worktree.json'), JSON.stringify({ path: tree, adminDir }));
  expect(await sweepWorkFolders(data, one.leases)).toBeGreaterThan(0);
  for (const gone of [left, tree, adminDir]) expect(existsSync(gone)).toBe(false);
  expect(readdirSync(join(data, 'runs'))).toContain(long.runId);
  writeFileSync(join(data, 'workspaces', prepared.directiveId, long.runId, 'go'), '');
  expect(await running).toMatchObject({ result: 'success', stdout: 'up\na\n' });
});

test('what a process left whose lease had not run out at its next start is removed later', async () => {
  const runId = 'leftovers0000001-g1-dead-a1';
  const left = join(one.programs.dataDir, 'runs', runId);
  mkdirSync(left, { recursive: true });
  const lease = await one.leases.acquire(runId);
  const sweeper = new FolderSweeper(one, 20);
  await sweeper.start();
  try {
    expect(existsSync(left)).toBe(true);
    await one.leases.release(lease!);
    await until(() => Promise.resolve(!existsSync(left)), 'the folder to be removed');
  } finally {
    await sweeper.stop();
  }
});

test('a work tree whose process died before it had noted it is gone for the repository too', async () => {
  const prepared = await prepare('unnoted', repository());
  const data = one.programs.dataDir;
  const tree = join(data, 'workspaces', prepared.directiveId, 'unnoted000000000-g1-dead-a1');
  git(prepared.path, 'worktree', 'add', '-q', '--detach', tree, prepared.baseCommit);
  const adminDir = git(tree, 'rev-parse', '--absolute-git-dir');
  await sweepWorkFolders(data, one.leases);
  for (const gone of [tree, adminDir]) expect(existsSync(gone)).toBe(false);
  expect(git(prepared.path, 'worktree', 'list').split('\n')).toHaveLength(1);
});

test('the folder of a directive is not removed with what comes into it meanwhile', async () => {
  const data = one.programs.dataDir;
  const folder = join(data, 'workspaces', 'meanwhile0000000');
  const [dead, begins] = ['dead', 'begins'].map((step) => `meanwhile0000000-g1-${step}-a1`);
  mkdirSync(join(folder, dead!), { recursive: true });
  const lease = await one.leases.acquire(begins!);
  const living = async (runIds: readonly string[]) => {
    mkdirSync(join(folder, begins!), { recursive: true });
    return one.leases.living(runIds);
  };
  await sweepWorkFolders(data, { living });
  expect(readdirSync(folder)).toEqual([begins]);
  await one.leases.release(lease!);
});
