/**
 * Takes the branch of a directive back to an earlier head of it. Owns that nothing is lost and nothing
 * else is touched: what was there is kept under a ref, the branch moves by compare-and-swap, and no
 * work tree or other branch of the user is looked into or changed.
 *
 * K1 The ref that keeps what was there and the move of the branch are one transaction of git, the ref
 *    first: of two only one does it, and a kill in between leaves the ref, never only the move.
 * K2 A rollback that was done already is found by that ref and is done.
 * K3 It goes back along the branch only, and never to before the base from which it began.
 */
import { commitOf, git, gitLine, GitError, type GitPlace } from './git';
import type { WorkspaceRefusal } from './prepare-workspace';

export interface RollbackRequest {
  readonly directiveId: string;
  readonly repository: string;
  readonly branch: string;
  readonly to: string;
  readonly expected: string;
}

export interface RolledBack {
  /** The ref that keeps what was there; absent when the branch was where it is to be. */
  readonly kept?: string;
}

const ATTEMPTS = 20;

export async function rollbackBranch(
  request: RollbackRequest,
): Promise<RolledBack | WorkspaceRefusal> {
  const { directiveId, repository, branch, to, expected } = request;
  const place: GitPlace = { cwd: repository };
  const ref = `refs/heads/${branch}`;
  const keep = `refs/writ/rolled-back/${directiveId}/`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const head = await commitOf(ref, place);
    if (head === undefined) {
      return refuse('branch_missing', `the branch ${branch} is not in ${repository} any more`);
    }
    const kept = await keptIn(keep, place);
    const done = kept.find(({ commit }) => commit === expected);
    if (head === to && done !== undefined) return { kept: done.ref }; // K2
    if (head === to && to === expected) return {};
    if (head !== expected) {
      const message =
        `the branch ${branch} is at ${head}, not at ${expected}: somebody has moved it; ` +
        'look at it, then ask again';
      return refuse('branch_moved', message);
    }
    const wrong = (await wayBack(request, place)) ?? (await inUse(ref, place));
    if (wrong !== undefined) return wrong;
    const next = `${keep}${Math.max(0, ...kept.map(({ number }) => number)) + 1}`;
    const keeper = done?.ref ?? next;
    const create = done === undefined ? `create ${next} ${expected}\n` : '';
    const input = `${create}update ${ref} ${to} ${expected}\n`;
    if (await update(input, place)) return { kept: keeper };
  }
  throw new Error(`the branch ${branch} moved ${ATTEMPTS} times while it was rolled back`);
}

const refuse = (code: string, message: string): WorkspaceRefusal => ({ code, message });

/** K3 */
async function wayBack(
  { directiveId, repository, branch, to, expected }: RollbackRequest,
  place: GitPlace,
): Promise<WorkspaceRefusal | undefined> {
  if ((await commitOf(to, place)) !== to) {
    return refuse('commit_missing', `the commit ${to} is not in ${repository} any more`);
  }
  if (!(await isAncestor(to, expected, place))) {
    return refuse('not_an_ancestor', `${to} is no earlier state of ${branch} at ${expected}`);
  }
  const base = await commitOf(`refs/writ/${directiveId}/base`, place);
  if (base === undefined || (await isAncestor(base, to, place))) return undefined;
  return refuse('before_the_base', `${to} is older than ${base}, from which ${branch} began`);
}

async function isAncestor(one: string, other: string, place: GitPlace): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', one, other];
  return (await git(args, { ...place, expected: [0, 1] })).code === 0;
}

/** To whoever has it checked out, all that goes back would look like changes of their own. */
async function inUse(ref: string, place: GitPlace): Promise<WorkspaceRefusal | undefined> {
  const path = await gitLine(['for-each-ref', '--format=%(worktreepath)', ref], place);
  if (path === undefined) return undefined;
  const message = `${ref} is checked out in ${path}; check out another branch there, then ask again`;
  return refuse('branch_checked_out', message);
}

async function keptIn(prefix: string, place: GitPlace) {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', prefix];
  const { stdout } = await git(args, place);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [commit = '', ref = ''] = line.split(' ');
      return { commit, ref, number: Number(/^\d{1,9}$/.exec(ref.slice(prefix.length))?.[0] ?? 0) };
    })
    .sort((a, b) => b.number - a.number);
}

/** K1. False when somebody was faster. */
async function update(input: string, place: GitPlace): Promise<boolean> {
  const args = ['update-ref', '-m', 'writ: rolled back', '--stdin'];
  const { code, stderr } = await git(args, { ...place, input, expected: [0, 1, 128] });
  if (code === 0) return true;
  if (/but expected|cannot lock ref|unable to resolve|already exists/.test(stderr)) return false;
  throw new GitError(args, code, stderr);
}
