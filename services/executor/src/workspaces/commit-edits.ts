/**
 * Puts files of people in the place of what a step left, as commits of theirs on top of its candidate.
 * Owns that the same edits of the same candidate are the same commits, so that a merge which is made
 * again is found done; and that nothing is checked out: paths never meet a file system.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '@writ/contracts';
import { git, GitError, gitLine, type GitPlace } from './git';

export interface Edits {
  /** Each says who wrote it. */
  readonly files: readonly ArtifactRef[];
  readonly read: (digest: string) => Promise<Uint8Array>;
}

export interface EditRequest extends Edits {
  readonly repository: string;
  readonly commit: string;
  readonly message: (person: string) => string;
  readonly scratch: string;
}

/** A path that cannot be in the tree of the candidate. */
export class EditRefused extends Error {}

export async function commitEdits(request: EditRequest): Promise<string> {
  const people = [...new Set(request.files.map(personOf))].sort();
  let commit = request.commit;
  for (const person of people) {
    const files = request.files.filter((file) => personOf(file) === person);
    commit = await commitOfPerson({ ...request, commit, files }, person);
  }
  return commit;
}

const personOf = ({ authoredBy }: ArtifactRef): string => authoredBy ?? 'unknown';

async function commitOfPerson(request: EditRequest, person: string): Promise<string> {
  const { repository, commit, scratch, message, files, read } = request;
  const indexFile = join(scratch, `edit-${randomBytes(6).toString('hex')}`);
  const place: GitPlace = { cwd: repository, indexFile };
  try {
    await git(['read-tree', commit], place);
    for (const file of files) await putFile(file, await read(file.digest), place);
    const tree = (await git(['write-tree'], place)).stdout.trim();
    if (tree === (await gitLine(['rev-parse', `${commit}^{tree}`], place))) return commit;
    const at = (await gitLine(['show', '-s', '--format=%ct', commit], place)) ?? '0';
    const made = await git(['commit-tree', tree, '-p', commit], {
      ...place,
      env: {
        ...authored(person),
        GIT_AUTHOR_DATE: `${at} +0000`,
        GIT_COMMITTER_DATE: `${at} +0000`,
      },
      input: message(person),
    });
    return made.stdout.trim();
  } finally {
    await rm(indexFile, { force: true });
  }
}

const authored = (person: string) => ({
  GIT_AUTHOR_NAME: person,
  GIT_AUTHOR_EMAIL: person.includes('@') ? person : `${person}@localhost`,
});

async function putFile(file: ArtifactRef, bytes: Uint8Array, place: GitPlace): Promise<void> {
  const written = await git(['hash-object', '-w', '--stdin', '--no-filters'], {
    ...place,
    input: bytes,
  });
  const mode = file.executable === true ? '100755' : '100644';
  const entry = `${mode},${written.stdout.trim()},${file.path}`;
  try {
    await git(['update-index', '--add', '--cacheinfo', entry], place);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new EditRefused(`${file.path} cannot be put into the commit: ${error.stderr.trim()}`);
  }
}
