import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DirectiveDocument } from '@writ/contracts';
import { TestStack } from '@writ/testing';

const file = join(__dirname, 'directive.yaml');
let stack: TestStack;
let repository: string;

const git = (...argv: string[]) =>
  execFileSync('git', ['-C', repository, ...argv], { encoding: 'utf8' }).trim();

function commit(subject: string): string {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
  git(...who, 'commit', '--quiet', '--allow-empty', '-m', subject);
  return git('rev-parse', 'HEAD');
}

const shown = (document: DirectiveDocument, path: string) =>
  git('show', `${document.workspace.branch}:${path}`);

beforeAll(async () => {
  repository = mkdtempSync(join(tmpdir(), 'writ-notes-'));
  git('init', '--quiet', '--initial-branch', 'main');
  commit('Add the beginning');
  git('tag', 'v1.0.0');
  commit('feat: sing');
  commit('Fix the tune');
  commit('Rename <things> & [others]');
  writeFileSync(join(repository, 'uncommitted.txt'), 'mine\n');
  stack = await TestStack.start();
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  rmSync(repository, { recursive: true, force: true });
}, 60_000);

describe('the release notes of a repository', () => {
  let first: DirectiveDocument;

  it('are on the branch of the directive, every commit since the tag exactly once', async () => {
    const head = git('rev-parse', 'main');
    first = await stack.json(['run', file, '--var', `repository=${repository}`]);
    expect(first).toMatchObject({
      status: 'completed',
      criteria: [{ id: 'AC1', met: true }],
      workspace: { branch: `writ/${first.id}` },
    });
    const release = JSON.parse(shown(first, 'release.json')) as {
      groups: Record<string, { subject: string }[]>;
    };
    const subjects = Object.fromEntries(
      Object.entries(release.groups).map(([group, list]) => [group, list.map((it) => it.subject)]),
    );
    expect(subjects).toEqual({
      features: ['feat: sing'],
      fixes: ['Fix the tune'],
      other: ['Rename <things> & [others]'],
    });
    expect(shown(first, 'CHANGELOG.md')).toContain('since v1.0.0');
    expect(git('ls-tree', '--name-only', String(first.workspace.branch))).toBe(
      'CHANGELOG.md\nrelease.json',
    );
    expect(git('rev-parse', String(first.workspace.branch))).toBe(first.workspace.commit);
    // The user's branch, working tree and index are as they were.
    expect(git('rev-parse', 'main')).toBe(head);
    expect(git('status', '--porcelain')).toBe('?? uncommitted.txt');
    expect(git('worktree', 'list').split('\n')).toHaveLength(1);
  }, 120_000);

  it('are taken from the run cache when the history is the same', async () => {
    const again: DirectiveDocument = await stack.json([
      ...['run', file, '--var', `repository=${repository}`],
    ]);
    expect(again.status).toBe('completed');
    expect(again.steps.map((step) => step.runStatus)).toEqual(again.steps.map(() => 'skipped'));
    expect(shown(again, 'CHANGELOG.md')).toBe(shown(first, 'CHANGELOG.md'));
  }, 120_000);

  it('are written anew when the history has grown, or a number is asked for', async () => {
    commit('feat: dance');
    const run = ['run', file, '--var', `repository=${repository}`, '--var', 'count=2'];
    const newer: DirectiveDocument = await stack.json(run);
    expect(newer.steps[0]?.runStatus).toBe('success');
    expect(shown(newer, 'CHANGELOG.md').match(/^- /gm)).toHaveLength(2);
  }, 120_000);

  it('name in their manifests the scripts that made them', async () => {
    const runId = first.steps.find((step) => step.name === 'write')?.runId ?? '';
    const manifest = await stack.json<Record<string, unknown>>(['manifest', 'show', runId]);
    expect(manifest).toMatchObject({ kind: 'run', result: 'success', validation: { confidence: { level: 'green' } } });
    const path = join(stack.home, 'manifest.json');
    writeFileSync(path, JSON.stringify(manifest));
    expect((await stack.writ(['manifest', 'verify', path])).code).toBe(0);
    // One digit of one digest is another input: the bundle's hash no longer holds.
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/("adapter":"sha256:)(.)/, (_, key, digit) => `${key}${digit === '0' ? '1' : '0'}`));
    expect((await stack.writ(['manifest', 'verify', path])).code).toBe(11);
  }, 60_000);

  it('fail clearly when there is nothing to tell', async () => {
    git('tag', 'v2.0.0');
    const { code, stdout } = await stack.writ([
      ...['run', file, '--json', '--var', `repository=${repository}`],
    ]);
    expect(code).toBe(10);
    const document = JSON.parse(stdout) as DirectiveDocument;
    expect(document.status).toBe('failed');
    expect(document.steps[0]?.reason).toContain('1');
  }, 60_000);
});
