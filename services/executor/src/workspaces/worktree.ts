/**
 * A step's own work tree of a repository, and the commit of what the step changed in it. Owns the
 * rule that nothing in the work tree is believed after the step has run: its `.git` file, its index
 * and its configuration may be anything by then. Our git names the repository itself and uses an
 * index of its own, kept outside of the step's reach.
 */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isInside } from '@writ/programs';
import { commitOf, createRef, git, GitError, gitLine, moveRef, splitNul } from './git';
import { Turns } from './turns';

export interface WorktreePlace {
  readonly path: string;
  /** `<repository>/.git/worktrees/<name>` */
  readonly adminDir: string;
}

export interface Worktree extends WorktreePlace {
  /** `<repository>/.git` */
  readonly commonDir: string;
  /** The commit it was made from. */
  readonly start: string;
  /** Our index of it. */
  readonly indexFile: string;
}

export interface AddWorktree {
  readonly repository: string;
  readonly path: string;
  readonly start: string;
  /** A commit whose files are there instead of those of the start, as changes not committed yet. */
  readonly files?: string;
  readonly indexFile: string;
}

/** Git is no friend of two work trees that are added at once. */
const turns = new Turns();

export async function addWorktree(request: AddWorktree): Promise<Worktree> {
  const { repository, path, start, indexFile } = request;
  await mkdir(dirname(path), { recursive: true });
  await turns.take(repository, () => addInPeace(repository, path, start));
  // Asked now, while nobody else has been in there.
  const said = await git(['rev-parse', '--absolute-git-dir', '--git-common-dir'], { cwd: path });
  const [adminDir = '', common = ''] = said.stdout.split('\n');
  const commonDir = resolve(path, common);
  await copyFile(join(adminDir, 'index'), indexFile);
  const worktree = { path, adminDir, commonDir, start, indexFile };
  if (request.files !== undefined) await layFiles(worktree, request.files);
  return worktree;
}

/** Beside our index, which stays that of the start: to it they are changes. */
async function layFiles(worktree: Worktree, commit: string): Promise<void> {
  const indexFile = `${worktree.indexFile}-files`;
  await copyFile(worktree.indexFile, indexFile);
  const args = ['read-tree', '-m', '-u', worktree.start, commit];
  await git(args, { ...placeOf(worktree), indexFile });
  await rm(indexFile);
}

const ATTEMPTS = 10;

/**
 * Git looks at all work trees when it adds one, and fails over one that somebody else (another
 * executor, the user) is just adding. That passes.
 */
export async function addInPeace(repository: string, path: string, start: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await git(['worktree', 'add', '--detach', path, start], { cwd: repository });
      return;
    } catch (error) {
      const passing = /failed to read|unable to create|could not create|cannot lock|exists/i;
      const isPassing = error instanceof GitError && passing.test(error.stderr);
      if (!isPassing || attempt >= ATTEMPTS) throw error;
      await rm(path, { recursive: true, force: true });
      await wait(10 * attempt * (0.5 + Math.random()));
    }
  }
}

/**
 * Removes it without asking git, which would believe what is in it. For git it is gone in one move:
 * half of a work tree is an error to whoever looks at all of them.
 */
export async function removeWorktree({ path, adminDir }: WorktreePlace): Promise<void> {
  await rm(path, { recursive: true, force: true });
  if (!/\/worktrees\/[^/]+$/.test(adminDir)) return;
  const aside = join(dirname(dirname(adminDir)), `writ-removed-${randomBytes(8).toString('hex')}`);
  try {
    await rename(adminDir, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

/** Folders outside of the work tree in which git finds the repository: to be read by a step. */
export async function repositoryPlaces({ commonDir }: Worktree): Promise<string[]> {
  const file = join(commonDir, 'objects', 'info', 'alternates');
  const text = await readFile(file, 'utf8').catch(() => '');
  const alternates = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const folders = alternates.map((line) => resolve(join(commonDir, 'objects'), line));
  return [commonDir, ...folders.filter((folder) => !isInside(commonDir, folder))];
}

export interface Changes {
  /** New or changed files. */
  readonly changed: string[];
  readonly deleted: string[];
  /** Untracked repositories inside of the work tree. */
  readonly nested: string[];
}

const placeOf = ({ path, commonDir, indexFile }: Worktree) => ({
  gitDir: commonDir,
  workTree: path,
  indexFile,
});

/** What the step has changed, without writing anything into the repository. */
export async function changesIn(worktree: Worktree): Promise<Changes> {
  const place = placeOf(worktree);
  await git(['update-index', '-q', '--refresh'], { ...place, expected: [0, 1] });
  const [tracked, untracked] = await Promise.all([
    git(['diff-files', '--name-status', '--no-renames', '-z'], place),
    git(['ls-files', '--others', '--exclude-standard', '-z'], place),
  ]);
  const changed: string[] = [];
  const deleted: string[] = [];
  const fields = tracked.stdout.split('\0');
  for (let at = 0; at + 1 < fields.length; at += 2) {
    (fields[at] === 'D' ? deleted : changed).push(fields[at + 1] ?? '');
  }
  const others = splitNul(untracked.stdout);
  const nested = others.filter((path) => path.endsWith('/'));
  changed.push(...others.filter((path) => !path.endsWith('/')));
  return { changed: [...new Set(changed)].sort(), deleted: deleted.sort(), nested };
}

/** Of these paths the ones that the repository ignores. */
export async function ignoredOf(worktree: Worktree, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const { stdout } = await git(['check-ignore', '-z', '--stdin'], {
    ...placeOf(worktree),
    input: paths.map((path) => `${path}\0`).join(''),
    expected: [0, 1],
  });
  return splitNul(stdout);
}

/**
 * Commits all changes. The commit is the start itself when nothing changed. `ref` keeps it; throws
 * when the ref was moved by somebody else since `seen`.
 */
export async function commitCandidate(
  worktree: Worktree,
  { message, ref, seen }: { message: string; ref: string; seen: string | undefined },
): Promise<string> {
  const place = placeOf(worktree);
  await git(['add', '--all'], place);
  const tree = (await git(['write-tree'], place)).stdout.trim();
  const before = await gitLine(['rev-parse', `${worktree.start}^{tree}`], place);
  let commit = worktree.start;
  if (tree !== before) {
    const made = await git(['commit-tree', tree, '-p', worktree.start], {
      ...place,
      input: message,
    });
    commit = made.stdout.trim();
  }
  const kept =
    seen === undefined
      ? await createRef(ref, commit, place)
      : await moveRef(ref, commit, seen, place);
  if (!kept && (await commitOf(ref, place)) !== commit) {
    throw new Error(`${ref} belongs to somebody else by now`);
  }
  return commit;
}
