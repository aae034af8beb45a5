/** The repository that steps work on, and what must be true of it when all has come to rest. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';

const BASE = 'main';

function git(folder: string, ...argv: string[]): string {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  return execFileSync('git', argv, { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** With one commit on its base branch. */
export function makeRepository(folder: string): void {
  mkdirSync(folder);
  git(folder, 'init', '--quiet', `--initial-branch=${BASE}`);
  writeFileSync(join(folder, 'README.md'), 'what was there before\n');
  git(folder, 'add', '--all');
  const by = ['-c', 'user.name=chaos', '-c', 'user.email=chaos@localhost'];
  git(folder, ...by, 'commit', '--quiet', '--message', 'first');
}

interface Passed {
  readonly directive: string;
  readonly step: string;
  readonly run: string;
  readonly commit: string | null;
}

/**
 * Each step that passed is merged once into the branch of its directive, with what its run wrote (its
 * own id, in a file with the name of the step); nothing else has changed, and no folder is left.
 */
export async function brokenRepository(folder: string, log: Client): Promise<string[]> {
  const { rows } = await log.query<Passed>(
    `select substr(passed.stream, 11) as directive, passed.data::jsonb ->> 'step' as step,
       passed.data::jsonb #>> '{run,runId}' as run,
       completed.data::jsonb ->> 'commit' as commit
     from log.event completed
     join log.event created on created.stream = completed.stream and created.version = 1
     join log.event passed on passed.stream = completed.stream and passed.type = 'StepPassed'
     where completed.type = 'DirectiveCompleted'
       and created.data::jsonb #>> '{workspace,kind}' = 'git'`,
  );
  const directives = new Map<string, Passed[]>();
  for (const row of rows) {
    directives.set(row.directive, [...(directives.get(row.directive) ?? []), row]);
  }
  return [
    ...[...directives].flatMap(([id, passed]) => brokenBranch(folder, id, passed)),
    ...strange(folder),
  ];
}

function brokenBranch(folder: string, id: string, passed: readonly Passed[]): string[] {
  try {
    const branch = `writ/${id}`;
    const head = git(folder, 'rev-parse', branch);
    const merged = git(
      folder,
      'log',
      '--format=%(trailers:key=Run,valueonly,separator=%x2C)',
      `${BASE}..${branch}`,
    );
    const runs = merged.split('\n').flatMap((line) => line.split(',').filter((it) => it !== ''));
    const broken = passed.flatMap(({ step, run, commit }) => {
      const content = git(folder, 'show', `${branch}:${step}.txt`);
      return [
        ...(content === run ? [] : [`${branch} holds ${content} as ${step}, and ${run} passed`]),
        ...(commit === head
          ? []
          : [`${branch} is at ${head}, and ${commit} was said to be its end`]),
      ];
    });
    const wanted = passed.map(({ run }) => run).sort();
    const found = [...new Set(runs)].sort();
    if (found.join() !== wanted.join()) {
      broken.push(`${branch} has commits of ${found.join(', ')}, and ${wanted.join(', ')} passed`);
    }
    return [...new Set(broken)];
  } catch (error) {
    return [`the branch of ${id} cannot be read: ${(error as Error).message.slice(0, 300)}`];
  }
}

function strange(folder: string): string[] {
  const changed = git(folder, 'status', '--porcelain');
  const commits = git(folder, 'rev-list', '--count', BASE);
  const worktrees = git(folder, 'worktree', 'list', '--porcelain').match(/^worktree /gm) ?? [];
  return [
    ...(changed === '' ? [] : [`the user's working tree was changed: ${changed}`]),
    ...(commits === '1' ? [] : [`the base branch has ${commits} commits`]),
    ...(worktrees.length === 1 ? [] : [`${worktrees.length - 1} worktrees are left`]),
  ];
}
