import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMemoryStore } from '@writ/content-store';
import type { EvaluateWork } from '@writ/contracts';
import { openGitSnapshot } from './git-snapshot';
import { snapshotsIn, sweepSnapshots } from './open-snapshot';
import { ScratchFolders } from './scratch-folders';

let dir: string;
let folders: ScratchFolders;
const content = openMemoryStore();
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'writ-snapshots-'));
  folders = new ScratchFolders(join(dir, 'scratch'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (work: Partial<EvaluateWork>) =>
  snapshotsIn(
    folders,
    content,
  )({
    runId: 'abcdefgh12345678-g1-one-a1',
    directiveId: 'abcdefgh12345678',
    step: 'one',
    checks: [],
    thresholds: { green: 0.85, yellow: 0.6 },
    workspace: { kind: 'none' },
    artifacts: [],
    inputs: [],
    acceptanceCriteriaIds: [],
    ...work,
  });
const scratch = () => (existsSync(join(dir, 'scratch')) ? readdirSync(join(dir, 'scratch')) : []);

describe('a snapshot of artifacts', () => {
  it('holds them by path, executable where they were, and is gone when closed', async () => {
    const a = await content.put(Buffer.from('text'));
    const b = await content.put(Buffer.from('#!/bin/sh'));
    const snapshot = await open({
      artifacts: [
        { path: 'out/a.txt', ...a },
        { path: 'bin/run', ...b, executable: true },
      ],
    });
    expect(readFileSync(join(snapshot.root, 'out/a.txt'), 'utf8')).toBe('text');
    expect(statSync(join(snapshot.root, 'bin/run')).mode & 0o111).not.toBe(0);
    expect(statSync(join(snapshot.root, 'out/a.txt')).mode & 0o111).toBe(0);
    await snapshot.close();
    expect(scratch()).toEqual([]);
  });

  it.each(['../out', '/etc/x', 'a/../../b', ''])('refuses the path %j', async (path) => {
    const stored = await content.put(Buffer.from('text'));
    const opened = open({ artifacts: [{ path, ...stored }] });
    await expect(opened).rejects.toMatchObject({ name: 'SnapshotImpossible' });
    expect(scratch()).toEqual([]);
  });

  it('is impossible when content is lost, or two artifacts clash', async () => {
    const lost = { path: 'a', digest: `sha256:${'0'.repeat(64)}`, bytes: 3 };
    await expect(open({ artifacts: [lost] })).rejects.toThrow(/the file a: no content/);
    const there = await content.put(Buffer.from('text'));
    const clash = [
      { path: 'a', ...there },
      { path: 'a/b', ...there },
    ];
    await expect(open({ artifacts: clash })).rejects.toThrow(/cannot lie beside the others/);
    expect(scratch()).toEqual([]);
  });
});

describe('a snapshot of a directory', () => {
  it('is the directory itself and stays when closed', async () => {
    const path = join(dir, 'work');
    mkdirSync(path);
    const snapshot = await open({
      workspace: { kind: 'directory', path: '.' },
      workspacePath: path,
    });
    expect(snapshot.root).toBe(path);
    await snapshot.close();
    expect(existsSync(path)).toBe(true);
  });

  it('is impossible when there is none', async () => {
    const opened = open({ workspace: { kind: 'directory', path: join(dir, 'no') } });
    await expect(opened).rejects.toMatchObject({ name: 'SnapshotImpossible' });
  });
});

describe('a snapshot of a git workspace', () => {
  let repository: string;
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: repository,
      encoding: 'utf8',
    }).trim();
  const commit = (text: string) => {
    writeFileSync(join(repository, 'a.txt'), text);
    git('add', '.');
    git('commit', '-qm', text);
    return git('rev-parse', 'HEAD');
  };
  beforeEach(() => {
    repository = join(dir, 'repository');
    mkdirSync(repository);
    git('init', '-q', '-b', 'main');
  });
  const ofGit = (more: Partial<EvaluateWork>) =>
    open({ workspace: { kind: 'git', repository: '.' }, workspacePath: repository, ...more });

  it('shows the candidate commit and leaves repository and working tree as they were', async () => {
    const first = commit('first');
    commit('second');
    writeFileSync(join(repository, 'a.txt'), 'not committed');
    const before = [git('status', '--porcelain'), git('branch', '-a'), git('worktree', 'list')];
    const snapshot = await ofGit({ commit: first });
    expect(readFileSync(join(snapshot.root, 'a.txt'), 'utf8')).toBe('first');
    expect(readFileSync(join(repository, 'a.txt'), 'utf8')).toBe('not committed');
    writeFileSync(join(snapshot.root, 'made-by-a-check'), '');
    await snapshot.close();
    expect([git('status', '--porcelain'), git('branch', '-a'), git('worktree', 'list')]).toEqual(
      before,
    );
    expect(scratch()).toEqual([]);
  });

  it('shows the branch of the directive when the run changed nothing', async () => {
    commit('first');
    git('branch', 'writ/abcdefgh12345678');
    commit('second');
    const snapshot = await ofGit({});
    expect(readFileSync(join(snapshot.root, 'a.txt'), 'utf8')).toBe('first');
    await snapshot.close();
  });

  describe('knows what the step changed', () => {
    const branch = 'writ/abcdefgh12345678';
    const changesOf = async (more: Partial<EvaluateWork>) => {
      const snapshot = await ofGit(more);
      await snapshot.close();
      return snapshot.changes?.map(({ path, added, removed }) => `${path} +${added} -${removed}`);
    };

    it('since the commit that it began with, also when others were merged meanwhile', async () => {
      commit('first');
      git('checkout', '-q', '-b', branch);
      git('checkout', '-q', '--detach');
      const candidate = commit('two\nlines\n');
      git('checkout', '-q', branch);
      writeFileSync(join(repository, 'other.txt'), 'of another step\n');
      commit('first, as it was');
      expect(await changesOf({ commit: candidate })).toEqual(['a.txt +2 -1']);
    });

    it('which is nothing when it left no commit, or the one that it began with', async () => {
      commit('first');
      const start = commit('second');
      git('branch', branch);
      expect(await changesOf({})).toEqual([]);
      expect(await changesOf({ commit: start })).toEqual([]);
    });

    it('by names of any kind, in files of any kind', async () => {
      commit('first');
      git('branch', branch);
      writeFileSync(join(repository, 'tab\tand\nline "ü"'), 'x\n');
      writeFileSync(join(repository, 'bytes'), Buffer.from([0, 1, 2]));
      const candidate = commit('first again');
      const names = await changesOf({ commit: candidate });
      expect(names).toEqual(['a.txt +1 -1', 'bytes +0 -0', 'tab\tand\nline "ü" +1 -0']);
    });

    it('without asking what the repository would have git run', async () => {
      commit('first');
      git('branch', branch);
      const external = join(dir, 'external');
      writeFileSync(external, `#!/bin/sh\ntouch ${join(dir, 'ran')}\n`, { mode: 0o755 });
      git('config', 'diff.external', external);
      git('config', 'diff.own.textconv', external);
      writeFileSync(join(repository, '.gitattributes'), '* diff=own\n');
      const candidate = commit('second');
      expect(await changesOf({ commit: candidate })).toHaveLength(2);
      expect(existsSync(join(dir, 'ran'))).toBe(false);
    });

    it('and does not know it without the branch of the directive', async () => {
      expect(await changesOf({ commit: commit('first') })).toBeUndefined();
    });
  });

  it('runs no hook of the repository', async () => {
    const first = commit('first');
    const hook = join(repository, '.git/hooks/post-checkout');
    writeFileSync(hook, `#!/bin/sh\ntouch ${join(dir, 'hooked')}\n`, { mode: 0o755 });
    await (await ofGit({ commit: first })).close();
    expect(existsSync(join(dir, 'hooked'))).toBe(false);
  });

  it('is impossible without the commit or the repository', async () => {
    commit('first');
    const impossible = { name: 'SnapshotImpossible' };
    await expect(ofGit({ commit: 'a'.repeat(40) })).rejects.toMatchObject(impossible);
    await expect(ofGit({ commit: '--upload-pack=x' })).rejects.toMatchObject(impossible);
    await expect(ofGit({})).rejects.toMatchObject(impossible);
    const gone = ofGit({ commit: 'a'.repeat(40), workspacePath: join(dir, 'no') });
    await expect(gone).rejects.toMatchObject(impossible);
    expect(scratch()).toEqual([]);
  });

  it('is several at a time', async () => {
    const first = commit('first');
    const many = await Promise.all([1, 2, 3, 4].map(() => ofGit({ commit: first })));
    expect(new Set(many.map((it) => it.root)).size).toBe(4);
    await Promise.all(many.map((it) => it.close()));
    expect(git('worktree', 'list').split('\n')).toHaveLength(1);
  });

  it('is opened and closed beside many others of the same repository', async () => {
    const first = commit('first');
    const rounds = Array.from({ length: 12 }, async () => {
      for (let round = 0; round < 4; round += 1) {
        const snapshot = await openGitSnapshot(folders, repository, first, 'abcdefgh12345678');
        expect(existsSync(join(snapshot.root, '.git'))).toBe(true);
        await snapshot.close();
      }
    });
    await Promise.all(rounds);
    expect(scratch()).toEqual([]);
    expect(readdirSync(join(repository, '.git')).includes('worktrees')).toBe(false);
  });

  it('is swept when its process died, and only then', async () => {
    const first = commit('first');
    await openGitSnapshot(folders, repository, first, 'abcdefgh12345678');
    const folder = scratch()[0] ?? '';
    // As if a process that is long gone had made one, and one that lives another.
    const { pid } = spawnSyncOnce();
    renameSync(
      join(dir, 'scratch', folder),
      join(dir, 'scratch', folder.replace(/^\d+/, String(pid))),
    );
    const living = join(dir, 'scratch', `${process.ppid}-00ff`);
    mkdirSync(living);
    expect(await sweepSnapshots(folders)).toBe(1);
    expect(scratch()).toEqual([`${process.ppid}-00ff`]);
  });

  it('knows history and tags, also of a shallow clone', async () => {
    commit('first');
    git('tag', 'v1');
    commit('second');
    const third = commit('third');
    const shallow = join(dir, 'shallow');
    git('clone', '--quiet', '--depth', '2', `file://${repository}`, shallow);
    for (const [from, count] of [[repository, '3'] as const, [shallow, '2'] as const]) {
      const snapshot = await openGitSnapshot(folders, from, third, 'abcdefgh12345678');
      const inside = (...args: string[]) =>
        execFileSync('git', args, { cwd: snapshot.root, encoding: 'utf8' }).trim();
      expect(inside('rev-list', '--count', 'HEAD')).toBe(count);
      if (from === repository) expect(inside('describe', '--tags')).toMatch(/^v1-2-g/);
      expect(inside('status', '--porcelain')).toBe('');
      await snapshot.close();
    }
  });
});

function spawnSyncOnce(): { pid: number } {
  return { pid: Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' })) };
}
