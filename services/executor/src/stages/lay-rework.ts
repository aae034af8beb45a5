/**
 * What a further attempt finds of the one before: a file of JSON with instructions, what the checks
 * said and the diff so far, and its path in the environment. A contract with users; see FORMATS.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunWork } from '@writ/contracts';
import { git } from '../workspaces/git';
import type { Worktree } from '../workspaces/worktree';

/** Of a longer diff the beginning; whoever needs the rest has the repository. */
const MOST_DIFF_CHARACTERS = 256 * 1024;

export async function layRework(
  { rework, workspace }: RunWork,
  folder: string,
  worktree: Worktree | undefined,
): Promise<Record<string, string>> {
  if (rework === undefined) return {};
  const { instructions, checks, previous } = rework;
  const { commit } = previous;
  const { path, branch = '' } = workspace;
  const diff =
    worktree === undefined || commit === undefined || path === undefined
      ? null
      : await diffOf(path, `refs/heads/${branch}`, commit);
  const file = join(folder, 'rework.json');
  await writeFile(file, JSON.stringify({ instructions, checks, diff }, null, 2), { mode: 0o600 });
  return { WRIT_REWORK: file };
}

/** What the step has changed by then, and nothing that others have. */
async function diffOf(repository: string, branch: string, commit: string): Promise<string> {
  const args = [
    'diff',
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    `${branch}...${commit}`,
    '--',
  ];
  const { stdout } = await git(args, { cwd: repository });
  return stdout.slice(0, MOST_DIFF_CHARACTERS);
}
