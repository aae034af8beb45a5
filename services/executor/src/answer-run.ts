/** Answers what is known about a run: folded from its stream, so always current. */
import { queries, streamOf, type RunDocument } from '@writ/contracts';
import type { RunState } from '@writ/domain';
import { QueryError } from '@writ/messaging';
import type { Executor } from './executor';

export async function answerRun(
  deps: Pick<Executor, 'runs'>,
  question: unknown,
): Promise<RunDocument> {
  const { runId } = queries.run.schema.parse(question);
  const { state } = await deps.runs.load(streamOf.run(runId));
  const document = runDocument(state);
  if (document === undefined) {
    const message = `no executor has begun a run ${runId}`;
    throw new QueryError('not_found', message);
  }
  return document;
}

/** Undefined before the first claim. */
export function runDocument(state: RunState): RunDocument | undefined {
  if (state.status === 'pending') return undefined;
  const said = state.status === 'ended' ? state.ended : state.claimed;
  const { runId, directiveId, step, attempt, claim, executorId, adapter, stages } = said;
  const ended = state.status === 'ended' ? state.ended : undefined;
  const attempts = state.status === 'ended' ? state.ended.attempts : [...state.attempts];
  return {
    ...{ runId, directiveId, step, attempt, claim, executorId, adapter, stages, attempts },
    status: ended === undefined ? 'processing' : 'complete',
    result: ended?.result ?? null,
    error: ended?.error ?? null,
    sandbox: said.sandbox ?? null,
    bundle: said.bundle ?? null,
    exitCode: ended?.exitCode ?? null,
    signal: ended?.signal ?? null,
    artifacts: ended?.artifacts ?? [],
    usage: ended?.usage ?? null,
    durationMs: ended?.durationMs ?? null,
    diff: ended?.diff ?? null,
    transcript: ended?.transcript ?? null,
    stdout: ended?.stdout ?? null,
    stderr: ended?.stderr ?? null,
    commit: ended?.commit ?? null,
    sourceRunId: ended?.source?.runId ?? null,
    startedAt: stages[0]?.startedAt ?? null,
    endedAt: ended?.stages.at(-1)?.endedAt ?? null,
  };
}
