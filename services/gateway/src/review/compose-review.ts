/**
 * Puts together what a person looks at before he decides: the approval from the planner, the run from
 * the executor, the checks from the verifier, the contents by their digests. Owns what is shown when a
 * part of it is not there any more; nothing is decided here.
 */
import {
  queries,
  type ApprovalDocument,
  type ApprovalReview,
  type DirectiveDocument,
  type EvaluationCompleted,
  type RunDocument,
} from '@writ/contracts';
import { filesOfDiff, repositoryHealth } from '@writ/domain';
import { QueryError } from '@writ/messaging';

import type { Backend } from '../backend';
import { compareArtifacts } from './compare-artifacts';
import { readText } from './read-text';

/** A diff is stored cut to less. */
const MOST_OF_DIFF = 4 * 1024 * 1024;

export async function composeReview(backend: Backend, id: string): Promise<ApprovalReview> {
  const approval = (await backend.query(queries.approval, { id })) as ApprovalDocument;
  const { runId } = approval.context;
  const [directive, run, evaluation] = await Promise.all([
    backend.query(queries.directive, { id: approval.directiveId }) as Promise<DirectiveDocument>,
    runId === null ? null : runOf(backend, runId),
    runId === null ? null : evaluationOf(backend, runId),
  ]);
  const before = run === null ? null : await attemptBefore(backend, run);
  const { diff, commit } = run ?? { diff: null, commit: null };
  const diffText = diff === null ? undefined : await readText(backend, diff, MOST_OF_DIFF);
  const isGit = commit !== null;
  const artifacts =
    run === null ? [] : await compareArtifacts(backend, { run, before, approval, isGit });
  const checks = [...(evaluation?.checks ?? []), ...(approval.context.checks ?? [])];
  const changed = diffText ?? artifacts.map((it) => it.diff ?? '').join('');
  const bytes = new Map(artifacts.map(({ path, after }) => [path, after?.bytes]));
  const files = filesOfDiff(changed).map((file) => ({ ...file, bytes: bytes.get(file.path) }));
  const opaque = artifacts
    .filter(({ path, change }) => change !== 'same' && !files.some((it) => it.path === path))
    .map(({ path, change, after }) => ({
      ...{ path, isNew: change === 'added', isBinary: true, added: [], removed: 0 },
      bytes: after?.bytes,
    }));
  return {
    approval,
    directive: { id: directive.id, title: directive.title, goal: directive.goal },
    run: run && shownRun(run),
    checks,
    metrics: {
      durationMs: run?.durationMs ?? null,
      checksMs: evaluation?.durationMs ?? null,
      inputTokens: run?.usage?.inputTokens ?? null,
      outputTokens: run?.usage?.outputTokens ?? null,
      costUsd: run?.usage?.costUsd ?? null,
    },
    health:
      run === null
        ? null
        : repositoryHealth({ checks, files: isGit ? files : [...files, ...opaque] }),
    diff: diff === null || diffText === undefined ? null : { digest: diff, text: diffText },
    comparedWith: before === null ? 'nothing before it' : `attempt ${before.attempt}`,
    artifacts,
  };
}

function shownRun(run: RunDocument): ApprovalReview['run'] {
  const { runId, attempt, result, attempts, adapter, sandbox, exitCode, error } = run;
  return {
    ...{ runId, attempt, result, sandbox, exitCode },
    // What ended well is no failed try.
    tries: attempts.length + (attempts.some((it) => it.error === undefined) ? 0 : 1),
    adapter: adapter === null ? null : `${adapter.kind} ${adapter.version}`,
    error: error === null ? null : `${error.kind} ${error.code}: ${error.message}`,
    ...{ stdout: run.stdout, stderr: run.stderr },
  };
}

const runOf = (backend: Backend, runId: string): Promise<RunDocument | null> =>
  ifThere(backend.query(queries.run, { runId }) as Promise<RunDocument>);

const evaluationOf = (backend: Backend, runId: string): Promise<EvaluationCompleted | null> =>
  ifThere(backend.query(queries.evaluation, { runId }) as Promise<EvaluationCompleted>);

function attemptBefore(backend: Backend, run: RunDocument): Promise<RunDocument | null> {
  if (run.attempt <= 1) return Promise.resolve(null);
  return runOf(backend, run.runId.replace(/-a\d+$/, `-a${run.attempt - 1}`));
}

async function ifThere<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof QueryError && error.code === 'not_found') return null;
    throw error;
  }
}
