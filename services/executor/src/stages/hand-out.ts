/** Hands out what another run with the same bundle has made, as if this one had made it. */
import type { RunEnded, RunWork } from '@writ/contracts';
import type { CachedRun } from '../run-cache/cache-table';
import type { WorkFolder } from '../work-folders';
import { InsideFolder } from '../workspaces/inside-folder';
import type { Analysis } from './analyse-step';
import { lay, layWorkspace, type CompileTools } from './compile-step';
import { candidateSeen, takeOutputs } from './take-outputs';

/** What a run says at its end besides who it is. */
export type Outcome = Pick<RunEnded, 'result' | 'exitCode' | 'artifacts'> & Partial<RunEnded>;

/** What it used was used by the other one. */
export function handedOut(found: CachedRun): Outcome {
  const { confidence = null, usage: _, ...outcome } = found.outcome;
  return { ...outcome, result: 'skipped', source: { runId: found.runId, confidence } };
}

/** Lays the recorded files into the workspace; in a repository they become a commit again. */
export async function handOut(
  work: RunWork,
  found: CachedRun,
  analysis: Analysis,
  folder: WorkFolder,
  tools: CompileTools,
): Promise<Outcome> {
  const outcome = handedOut(found);
  const refSeen = await candidateSeen(work);
  const laid = await layWorkspace(work, analysis, folder, tools);
  await lay(laid.root, outcome.artifacts, tools.content);
  const root = new InsideFolder(laid.root);
  for (const path of outcome.deleted ?? []) await root.remove(path);
  if (laid.worktree === undefined) return outcome;
  const nothing = { declared: [], reported: [] };
  const { commit, diff } = await takeOutputs(work, laid, nothing, refSeen, tools);
  return { ...outcome, commit, diff };
}
