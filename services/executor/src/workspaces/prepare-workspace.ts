/**
 * Finds the folder or repository of a directive, once. In a repository it pins the base: the first
 * executor to come makes `refs/writ/<directive>/base`, all others take what is there, so that every
 * replica starts from the same commit. The directive's branch begins there. Nothing else of the
 * repository is touched.
 */
import { stat, realpath, access } from 'node:fs/promises';
import { constants } from 'node:fs';
import { isAbsolute } from 'node:path';
import { branchOf, type Workspace } from '@writ/contracts';
import { isInside } from '@writ/programs';
import { commitOf, createRef, git, GitError, gitLine, type GitPlace } from './git';

export interface Prepared {
  readonly kind: 'directory' | 'git';
  readonly path: string;
  readonly branch?: string;
  readonly baseCommit?: string;
}

/** Why a directive cannot work there: a stable code, and a sentence with the cure. */
export interface WorkspaceRefusal {
  readonly code: string;
  readonly message: string;
}

export const isWorkspaceRefusal = (it: Prepared | WorkspaceRefusal): it is WorkspaceRefusal =>
  'code' in it;

const refuse = (code: string, message: string): WorkspaceRefusal => ({ code, message });

export async function prepareWorkspace(
  directiveId: string,
  workspace: Exclude<Workspace, { kind: 'none' }>,
  /** Folders of ours: secrets, content, work folders. Real paths. */
  own: readonly string[],
): Promise<Prepared | WorkspaceRefusal> {
  const isOurs = (path: string) => own.some((folder) => isInside(folder, path));
  if (workspace.kind === 'directory') return prepareDirectory(workspace.path, isOurs);
  return prepareRepository(directiveId, workspace, isOurs);
}

/** Folders of the system: a step that may write there is not walled in any more. */
const SYSTEM_FOLDERS =
  /^\/(bin|boot|dev|etc|home|lib|lib32|lib64|libx32|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)?$/;

async function prepareDirectory(
  path: string,
  isOurs: (path: string) => boolean,
): Promise<Prepared | WorkspaceRefusal> {
  if (!isAbsolute(path)) return notAbsolute(path);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    return refuse('directory_missing', `there is no folder ${path}; make it, then submit again`);
  }
  if (!found.isDirectory()) return refuse('not_a_directory', `${path} is not a folder`);
  const real = await realpath(path);
  if (SYSTEM_FOLDERS.test(real)) {
    return refuse('directory_too_wide', `${real} belongs to the system; name a folder below it`);
  }
  if (isOurs(real)) return ours(real);
  const writable = await access(real, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!writable) return refuse('directory_not_writable', `the executor may not write to ${real}`);
  return { kind: 'directory', path: real };
}

async function prepareRepository(
  directiveId: string,
  { repository, baseBranch }: Extract<Workspace, { kind: 'git' }>,
  isOurs: (path: string) => boolean,
): Promise<Prepared | WorkspaceRefusal> {
  const path = await findRepository(repository);
  if (typeof path !== 'string') return path;
  if (isOurs(path)) return ours(path);
  const place: GitPlace = { cwd: path };
  try {
    const baseCommit = await pinBase(directiveId, baseBranch, path);
    if (typeof baseCommit !== 'string') return baseCommit;
    const branch = branchOf(directiveId);
    const ref = `refs/heads/${branch}`;
    if ((await commitOf(ref, place)) === undefined) {
      const made = await createRef(ref, baseCommit, place);
      if (!made && (await commitOf(ref, place)) === undefined) {
        const message = `the branch ${branch} cannot be made in ${path}: is there a branch "writ"?`;
        return refuse('branch_blocked', message);
      }
    }
    return { kind: 'git', path, branch, baseCommit };
  } catch (error) {
    if (error instanceof GitError && /permission denied|read-only/i.test(error.stderr)) {
      return refuse('repository_not_writable', `the executor may not write to ${path}`);
    }
    throw error;
  }
}

async function findRepository(named: string): Promise<string | WorkspaceRefusal> {
  if (!isAbsolute(named)) return notAbsolute(named);
  const found = await stat(named).catch(() => undefined);
  if (found === undefined) {
    return refuse('repository_missing', `there is no folder ${named}`);
  }
  if (!found.isDirectory()) return refuse('not_a_repository', `${named} is not a folder`);
  const asked = ['rev-parse', '--is-bare-repository', '--is-inside-work-tree'];
  const answer = await git(asked, { cwd: named, expected: [0, 128] });
  if (answer.code !== 0) {
    const message = `${named} is not in a git repository; run "git init" there and commit something`;
    return refuse('not_a_repository', message);
  }
  const insideWorkTree = answer.stdout.split('\n')[1] === 'true';
  const top = insideWorkTree ? '--show-toplevel' : '--absolute-git-dir';
  const path = await gitLine(['rev-parse', top], { cwd: named });
  return realpath(path ?? named);
}

async function pinBase(
  directiveId: string,
  baseBranch: string | undefined,
  path: string,
): Promise<string | WorkspaceRefusal> {
  const place: GitPlace = { cwd: path };
  const pin = `refs/writ/${directiveId}/base`;
  const pinned = await commitOf(pin, place);
  if (pinned !== undefined) return pinned;
  const base = await findBase(baseBranch, path);
  if (typeof base !== 'string') return base;
  if (await createRef(pin, base, place)) return base;
  const theirs = await commitOf(pin, place);
  if (theirs === undefined) throw new Error(`${pin} can be neither made nor read in ${path}`);
  return theirs;
}

async function findBase(
  baseBranch: string | undefined,
  path: string,
): Promise<string | WorkspaceRefusal> {
  const place: GitPlace = { cwd: path };
  const head = await commitOf('HEAD', place);
  if (baseBranch === undefined) {
    if (head !== undefined) return head;
    return refuse('no_commit', `the repository ${path} has no commit yet; commit something first`);
  }
  const commit = /^[0-9a-f]{40}$/.test(baseBranch) ? [baseBranch] : [];
  for (const ref of [`refs/heads/${baseBranch}`, `refs/remotes/origin/${baseBranch}`, ...commit]) {
    const found = await commitOf(ref, place);
    if (found !== undefined) return found;
  }
  const some = await gitLine(['for-each-ref', '--count=1', '--format=%(refname)'], place);
  if (some === undefined) {
    return refuse('no_commit', `the repository ${path} has no commit yet; commit something first`);
  }
  return refuse('base_branch_missing', `the repository ${path} has no branch "${baseBranch}"`);
}

const ours = (path: string): WorkspaceRefusal =>
  refuse('folder_of_writ', `in ${path} Writ keeps what is its own; name another folder`);

const notAbsolute = (path: string): WorkspaceRefusal =>
  refuse(
    'path_not_absolute',
    `"${path}" is relative, and the executor does not know to what; give the whole path`,
  );
