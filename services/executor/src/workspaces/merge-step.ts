/**
 * Merges a step's candidate commit into the branch of its directive: by a fast-forward, or a merge
 * commit made without any work tree. The branch moves by compare-and-swap, so any number of
 * executors may merge at once, and a merge that was done already is done.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commitOf, git, moveRef, splitNul, type GitPlace } from './git';
import { addInPeace, removeWorktree } from './worktree';

export interface MergeRequest {
  readonly repository: string;
  readonly branch: string;
  readonly commit: string;
  readonly message: string;
  /** Where a temporary work tree may be made, for a git older than 2.38. */
  readonly scratch: string;
}

export type Merged =
  | { readonly merged: true; readonly head: string }
  | { readonly merged: false; readonly paths: string[]; readonly message: string };

const ATTEMPTS = 20;

/** Throws when the branch or the commit is gone, or the branch never holds still. */
export async function mergeStep(request: MergeRequest): Promise<Merged> {
  const { repository, branch, commit } = request;
  const place: GitPlace = { cwd: repository };
  const ref = `refs/heads/${branch}`;
  if ((await commitOf(commit, place)) === undefined) {
    const message = `the commit ${commit} of the step is not in ${repository} any more`;
    return { merged: false, paths: [], message };
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const head = await commitOf(ref, place);
    if (head === undefined) {
      const message = `the branch ${branch} is not in ${repository} any more`;
      return { merged: false, paths: [], message };
    }
    if (await isAncestor(commit, head, place)) return { merged: true, head };
    const next = (await isAncestor(head, commit, place)) ? commit : await mergeTrees(head, request);
    if (typeof next !== 'string') return next;
    if (await moveRef(ref, next, head, place)) return { merged: true, head: next };
  }
  throw new Error(`the branch ${branch} moved ${ATTEMPTS} times while a step was merged into it`);
}

async function isAncestor(one: string, other: string, place: GitPlace): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', one, other];
  return (await git(args, { ...place, expected: [0, 1] })).code === 0;
}

/** The merge commit, or the conflict. */
async function mergeTrees(head: string, request: MergeRequest): Promise<string | Merged> {
  const { repository, commit, message } = request;
  const place: GitPlace = { cwd: repository };
  const tree = (await knowsMergeTree())
    ? await treeByMergeTree(head, commit, place)
    : await treeByWorktree(head, request);
  if (typeof tree !== 'string') return conflict(tree.paths);
  const made = await git(['commit-tree', tree, '-p', head, '-p', commit], {
    ...place,
    input: message,
  });
  return made.stdout.trim();
}

const conflict = (paths: string[]): Merged => ({
  merged: false,
  paths,
  message:
    `the step changed ${paths.length === 1 ? 'a file' : `${paths.length} files`} that ` +
    `another step has changed meanwhile: ${paths.slice(0, 10).join(', ')}`,
});

let mergeTreeKnown: Promise<boolean> | undefined;

/** `git merge-tree --write-tree` came with 2.38. */
export function knowsMergeTree(): Promise<boolean> {
  mergeTreeKnown ??= git(['version'], {}).then(({ stdout }) => {
    const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
    return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 38);
  });
  return mergeTreeKnown;
}

async function treeByMergeTree(
  head: string,
  commit: string,
  place: GitPlace,
): Promise<string | { paths: string[] }> {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', head, commit];
  const { code, stdout } = await git(args, { ...place, expected: [0, 1] });
  const [tree = '', ...paths] = splitNul(stdout);
  return code === 0 ? tree.trim() : { paths: [...new Set(paths)].sort() };
}

/** For an older git: the merge is made in a work tree of its own, which is thrown away. */
export async function treeByWorktree(
  head: string,
  { repository, commit, scratch }: Pick<MergeRequest, 'repository' | 'commit' | 'scratch'>,
): Promise<string | { paths: string[] }> {
  const path = join(scratch, `merge-${randomBytes(6).toString('hex')}`);
  await addInPeace(repository, path, head);
  const inside: GitPlace = { cwd: path };
  try {
    const args = ['merge', '--no-ff', '--no-commit', '--no-verify', '--no-edit', commit];
    const { code } = await git(args, { ...inside, expected: [0, 1] });
    if (code === 0) return (await git(['write-tree'], inside)).stdout.trim();
    const listed = await git(['diff', '--name-only', '--diff-filter=U', '-z'], inside);
    return { paths: [...new Set(splitNul(listed.stdout))].sort() };
  } finally {
    const gitDir = (await git(['rev-parse', '--absolute-git-dir'], inside)).stdout.trim();
    await removeWorktree({ path, adminDir: gitDir });
    await rm(path, { recursive: true, force: true });
  }
}
