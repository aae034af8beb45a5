import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitEdits } from './commit-edits';
import { localRepositories } from './repositories';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'writ-edits-')));
const scratch = join(root, 'scratch');
mkdirSync(scratch);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const contents = new Map<string, Buffer>();
const file = (path: string, text: string | Buffer, authoredBy = 'ada', more: object = {}) => {
  const bytes = Buffer.from(text);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  contents.set(digest, bytes);
  return { path, digest, bytes: bytes.length, authoredBy, ...more };
};
const read = (digest: string) => Promise.resolve(contents.get(digest) ?? Buffer.alloc(0));

const who = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((role) => [
    [`GIT_${role}_NAME`, 'U'],
    [`GIT_${role}_EMAIL`, 'u@x'],
  ]),
);
const sh = (cwd: string, ...args: string[]) =>
  execFileSync('git', args, { cwd, env: { ...process.env, ...who } }).toString();

let made = 0;
/** A repository whose branch has a candidate commit on top of it. */
function repository() {
  const path = join(root, `r${(made += 1)}`);
  mkdirSync(path);
  sh(path, 'init', '-q', '-b', 'main');
  writeFileSync(join(path, 'a.txt'), 'a\n');
  symlinkSync('/tmp', join(path, 'link'));
  sh(path, 'add', '-A');
  sh(path, 'commit', '-qm', 'first');
  sh(path, 'branch', 'writ/x');
  writeFileSync(join(path, 'b.txt'), 'of the step\n');
  sh(path, 'add', '-A');
  sh(path, 'commit', '-qm', 'candidate');
  const commit = sh(path, 'rev-parse', 'HEAD').trim();
  sh(path, 'reset', '-q', '--hard', 'HEAD~1');
  return { path, commit };
}

const message = (person: string) => `Edited by ${person}\n`;

test('an edit is a commit of the person on top of the candidate, and nothing is checked out', async () => {
  const { path: repo, commit } = repository();
  const binary = Buffer.from([0, 255, 13, 10]);
  const files = [
    file('b.txt', 'of ada\n'),
    file('new/c.bin', binary, 'ada', { executable: true }),
    file('d.txt', 'of bob\n', 'bob@example.com'),
  ];
  const request = { repository: repo, commit, message, scratch, files, read };
  const edited = await commitEdits(request);
  const log = sh(repo, 'log', '--format=%an <%ae> %cn %s', `${commit}..${edited}`).trim();
  expect(log.split('\n')).toEqual([
    'bob@example.com <bob@example.com> Writ Edited by bob@example.com',
    'ada <ada@localhost> Writ Edited by ada',
  ]);
  expect(sh(repo, 'show', `${edited}:b.txt`)).toBe('of ada\n');
  expect(sh(repo, 'ls-tree', edited, 'new/c.bin')).toMatch(/^100755 /);
  const stored = execFileSync('git', ['show', `${edited}:new/c.bin`], { cwd: repo });
  expect(stored).toEqual(binary);
  expect(sh(repo, 'status', '--porcelain')).toBe('');
  expect(readdirSync(scratch)).toEqual([]);
  // A merge that is made again finds the commits that it made before.
  expect(await commitEdits(request)).toBe(edited);
});

test('an edit that changes nothing makes no commit', async () => {
  const { path: repo, commit } = repository();
  const files = [file('b.txt', 'of the step\n')];
  const request = { repository: repo, commit, message, scratch, files, read };
  expect(await commitEdits(request)).toBe(commit);
});

test('the edit and the candidate are merged together, once however often', async () => {
  const { path: repo, commit } = repository();
  const edits = { files: [file('b.txt', 'of ada\n')], read };
  const repositories = localRepositories({ dataDir: scratch, hidden: [] });
  const request = { repository: repo, branch: 'writ/x', commit, message: 'Merge\n', edits };
  const first = await repositories.merge(request);
  expect(await repositories.merge(request)).toEqual(first);
  expect(sh(repo, 'show', 'writ/x:b.txt')).toBe('of ada\n');
  expect(sh(repo, 'log', '--format=%an', 'main..writ/x').split('\n')).toEqual(['ada', 'U', '']);
  expect(sh(repo, 'log', '-1', '--format=%B', 'writ/x')).toContain('Edited by ada\n\nMerge');
});

test.each(['.git/config', 'a.txt/b'])(
  'what cannot be in a commit is a conflict: %s',
  async (path) => {
    const { path: repo, commit } = repository();
    const edits = { files: [file(path, 'x')], read };
    const repositories = localRepositories({ dataDir: scratch, hidden: [] });
    const request = { repository: repo, branch: 'writ/x', commit, message: 'Merge\n', edits };
    const merged = await repositories.merge(request);
    expect(merged).toMatchObject({ merged: false });
    expect(sh(repo, 'rev-parse', 'writ/x')).toBe(sh(repo, 'rev-parse', 'main'));
  },
);
