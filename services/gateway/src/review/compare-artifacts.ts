/**
 * The files of a run before and after: with the attempt before it, or with what the run itself made
 * where a person has put another file in its place. In a repository the base is in the diff of the run.
 */
import type { ApprovalDocument, ArtifactRef, ReviewedArtifact, RunDocument } from '@writ/contracts';
import { unifiedDiff } from '@writ/domain';

import type { Backend } from '../backend';
import { readText } from './read-text';

const MOST_BYTES = 256 * 1024;
/** Of files whose contents are compared; the others are told by digest and size. */
const MOST_FILES = 100;

export interface Comparison {
  readonly run: RunDocument;
  readonly before: RunDocument | null;
  readonly approval: Pick<ApprovalDocument, 'votes'>;
  readonly isGit: boolean;
}

export async function compareArtifacts(
  backend: Backend,
  { run, before, approval, isGit }: Comparison,
): Promise<ReviewedArtifact[]> {
  const old = new Map((before?.artifacts ?? []).map((it) => [it.path, it]));
  const made = new Map(run.artifacts.map((it) => [it.path, it]));
  const edited = editsOf(approval);
  const paths = [...new Set([...old.keys(), ...made.keys(), ...edited.keys()])].sort();
  const compared: ReviewedArtifact[] = [];
  for (const path of paths) {
    const edit = edited.get(path);
    const from = edit === undefined ? old.get(path) : made.get(path);
    const to = edit ?? made.get(path);
    const inDiff = isGit && edit === undefined && before === null;
    const how = compared.length < MOST_FILES && !inDiff ? backend : undefined;
    const note = inDiff ? 'it is in the diff of the repository' : undefined;
    compared.push(await compare(how, path, from, to, note));
  }
  return compared;
}

function editsOf({ votes }: Pick<ApprovalDocument, 'votes'>): Map<string, ArtifactRef> {
  const edits = new Map<string, ArtifactRef>();
  for (const { by, edits: made = [] } of votes) {
    for (const edit of made) edits.set(edit.path, { ...edit, authoredBy: by });
  }
  return edits;
}

async function compare(
  backend: Backend | undefined,
  path: string,
  from: ArtifactRef | undefined,
  to: ArtifactRef | undefined,
  note = 'there are too many files to compare them all',
): Promise<ReviewedArtifact> {
  const change =
    from?.digest === to?.digest
      ? 'same'
      : from === undefined
        ? 'added'
        : to === undefined
          ? 'removed'
          : 'changed';
  const shown = { path, change, before: side(from), after: side(to) } as const;
  if (change === 'same') return { ...shown, diff: null };
  if (backend === undefined) return { ...shown, diff: null, note };
  const [one, other] = await Promise.all([textOf(backend, from), textOf(backend, to)]);
  if (one === undefined || other === undefined) {
    return { ...shown, diff: null, note: 'it is no text, or too large to be shown' };
  }
  return { ...shown, diff: unifiedDiff(path, one, other) };
}

const textOf = async (backend: Backend, ref: ArtifactRef | undefined) =>
  ref === undefined ? null : readText(backend, ref.digest, MOST_BYTES);

const side = (ref: ArtifactRef | undefined) =>
  ref === undefined
    ? null
    : {
        ...{ digest: ref.digest, bytes: ref.bytes },
        ...(ref.authoredBy === undefined ? {} : { authoredBy: ref.authoredBy }),
      };
