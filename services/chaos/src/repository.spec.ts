import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { brokenRepository, makeRepository } from './repository';

const folder = mkdtempSync(join(tmpdir(), 'writ-chaos-repository-'));
const path = join(folder, 'repository');
const by = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
const git = (...argv: string[]) =>
  execFileSync('git', [...by, ...argv], { cwd: path, encoding: 'utf8', stdio: 'pipe' }).trim();
let head = '';

/** The branch of a directive with one step, as a run of it left it. */
beforeAll(() => {
  makeRepository(path);
  git('checkout', '--quiet', '-b', 'writ/x');
  writeFileSync(join(path, 'a.txt'), 'run-1');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'a\n\nDirective: x\nStep: a\nRun: run-1');
  head = git('rev-parse', 'HEAD');
  git('checkout', '--quiet', 'main');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A log in which this step of the directive has passed. */
const passed = (run: string, commit = head) => {
  const rows = [{ directive: 'x', step: 'a', run, commit }];
  return { query: () => Promise.resolve({ rows }) } as unknown as Client;
};

it('finds nothing in a branch that holds what the log says', async () => {
  expect(await brokenRepository(path, passed('run-1'))).toEqual([]);
});

it('finds the work of another run, and another end', async () => {
  expect(await brokenRepository(path, passed('run-2', 'c0ffee'))).toEqual([
    'writ/x holds run-1 as a, and run-2 passed',
    `writ/x is at ${head}, and c0ffee was said to be its end`,
    'writ/x has commits of run-1, and run-2 passed',
  ]);
});

it('finds what was done to the user`s tree, and what was left', async () => {
  writeFileSync(join(path, 'stray.txt'), '');
  git('worktree', 'add', '--quiet', '--detach', join(folder, 'left'));
  expect(await brokenRepository(path, passed('run-1'))).toEqual([
    "the user's working tree was changed: ?? stray.txt",
    '1 worktrees are left',
  ]);
});
