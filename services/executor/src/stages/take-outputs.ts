/**
 * Takes what a step made: its files into the content store, its changes of a repository into a
 * commit of their own.
 */
import type { ContentStore } from '@writ/content-store';
import type { ArtifactRef, RunWork } from '@writ/contracts';
import type { ProgramHost } from '@writ/programs';
import { collectArtifacts, OutputRefused } from '../workspaces/collect-artifacts';
import { commitOf } from '../workspaces/git';
import { InsideFolder } from '../workspaces/inside-folder';
import { changesIn, commitCandidate, type Worktree } from '../workspaces/worktree';
import { leftOut } from './analyse-step';
import { keepDiff } from './keep-diff';
import type { LaidWorkspace } from './compile-step';

export interface Outputs {
  readonly artifacts: ArtifactRef[];
  readonly deleted?: string[];
  readonly commit?: string;
  readonly diff?: string;
}

export interface OutputTools {
  readonly content: ContentStore;
  readonly programs: ProgramHost;
}

/** Throws OutputRefused for what cannot be taken; then nothing is committed. */
export async function takeOutputs(
  work: RunWork,
  laid: LaidWorkspace,
  named: { readonly declared: readonly string[]; readonly reported: readonly string[] },
  refSeen: string | undefined,
  { content, programs }: OutputTools,
): Promise<Outputs> {
  const { worktree } = laid;
  const changes = worktree && (await changesIn(worktree));
  if (changes !== undefined && changes.nested.length > 0) {
    const message = `the step made a repository of its own in ${changes.nested.join(', ')}`;
    throw new OutputRefused('nested_repository', message);
  }
  const artifacts = await collectArtifacts({
    folder: new InsideFolder(laid.root),
    ...named,
    changed: changes?.changed ?? [],
    content,
    needles: programs.needles,
    skip: leftOut(laid.root, programs),
  });
  if (worktree === undefined || changes === undefined) return { artifacts };
  const commit = await keepCandidate(work, worktree, refSeen);
  const diff = await keepDiff(worktree, commit, { content, programs });
  const { deleted } = changes;
  return {
    artifacts,
    commit,
    ...(diff === undefined ? {} : { diff }),
    ...(deleted.length > 0 ? { deleted } : {}),
  };
}

/** The ref that keeps a run's candidate from being collected by git. */
export const candidateRef = ({ directiveId, runId }: Pick<RunWork, 'directiveId' | 'runId'>) =>
  `refs/writ/${directiveId}/${runId}`;

/** What the ref is before the step works: whoever moves it meanwhile has taken the run over. */
export function candidateSeen(work: RunWork): Promise<string | undefined> {
  const { spec, path } = work.workspace;
  if (spec.kind !== 'git' || path === undefined) return Promise.resolve(undefined);
  return commitOf(candidateRef(work), { cwd: path });
}

function keepCandidate(
  work: RunWork,
  worktree: Worktree,
  seen: string | undefined,
): Promise<string> {
  const { directiveId, step, runId } = work;
  const trailers = `Directive: ${directiveId}\nStep: ${step}\nRun: ${runId}\n`;
  const message = `${step}\n\n${trailers}`;
  return commitCandidate(worktree, { message, ref: candidateRef(work), seen });
}
