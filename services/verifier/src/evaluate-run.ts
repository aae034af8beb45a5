/**
 * Evaluates a run: carries out its checks on a snapshot of what it made and records what they say.
 *
 * V1 A run is evaluated once. When the work comes again, the recorded event is sent again.
 * V2 In one process no run is evaluated twice at the same time: a repeated message of one that is
 *    under way is done with at once, so that repeats do not take up the places of others.
 * V3 What a message says counts only when the log knows the run; nobody waits for the evaluation of
 *    a run whose directive has ended.
 */
import {
  canonicalJson,
  type CheckResult,
  type EvaluateWork,
  EvaluateWork as EvaluateWorkSchema,
  isRefusal,
  type RecordedEvent,
  streamOf,
  TerminalError,
} from '@writ/contracts';
import type { Incoming } from '@writ/messaging';
import { messageOf } from '@writ/service-host';
import { wantsInputs } from './checks/check-program';
import { layFacts } from './lay-facts';
import { allInError, runChecks } from './run-checks';
import { layFiles } from './snapshots/lay-files';
import { SnapshotImpossible } from './snapshots/snapshot';
import { type Verifier, verifier } from './verifier';

export const parseEvaluateWork = (data: unknown): EvaluateWork => EvaluateWorkSchema.parse(data);

export async function evaluateRun(deps: Verifier, message: Incoming<EvaluateWork>): Promise<void> {
  const { runId } = message.data;
  if (deps.underWay.has(runId)) return; // V2
  deps.underWay.add(runId);
  try {
    await evaluate(deps, message);
  } finally {
    deps.underWay.delete(runId);
  }
}

async function evaluate(deps: Verifier, message: Incoming<EvaluateWork>): Promise<void> {
  const { data: work, attributes, signal } = message;
  const { runId, directiveId, step, thresholds } = work;
  const known = await whatIsKnown(deps, work);
  if (known.evaluation) return sendAgain(deps, known.evaluation, attributes.id); // V1
  if (known.directiveEnded) return; // V3
  const started = deps.clock.now();
  const checks = await check(deps, work, signal);
  const durationMs = Math.round(deps.clock.now() - started);
  const handled = await deps.evaluations.handle(
    streamOf.evaluation(runId),
    { type: 'complete', work: { runId, directiveId, step }, thresholds, checks, durationMs },
    {
      commandId: attributes.id,
      causationId: attributes.id,
      correlationId: directiveId,
      actor: verifier,
      traceparent: attributes.traceparent,
    },
  );
  if (isRefusal(handled)) throw new TerminalError(handled.refused, handled.message);
  if (handled.state.status === 'completed' && handled.events.length > 0) {
    deps.metrics.evaluations.inc({ level: handled.state.evaluation.confidence.level });
    deps.metrics.evaluationSeconds.observe(durationMs / 1000);
    for (const { kind, outcome, durationMs: ms } of checks) {
      deps.metrics.checks.inc({ kind, outcome });
      deps.metrics.checkSeconds.observe({ kind }, ms / 1000);
    }
  } else {
    // Another process was faster.
    const { evaluation } = await whatIsKnown(deps, work);
    if (evaluation) await sendAgain(deps, evaluation, attributes.id);
  }
}

async function whatIsKnown(deps: Verifier, { runId, directiveId }: EvaluateWork) {
  const streams = [
    streamOf.evaluation(runId),
    streamOf.run(runId),
    streamOf.directive(directiveId),
  ] as const;
  const last = await deps.log.lastEvents(streams);
  const [evaluation, run, directive] = streams.map((stream) =>
    last.find((event) => event.stream === stream),
  );
  if (run?.type !== 'RunEnded') {
    throw new TerminalError('unknown_run', `the log has no end of run ${runId}`); // V3
  }
  const directiveEnded = /^Directive(Completed|Failed|Stopped|Archived)$/.test(
    directive?.type ?? '',
  );
  return { evaluation, directiveEnded };
}

/** With another message id: within its window NATS would take it for the first one. */
async function sendAgain(deps: Verifier, event: RecordedEvent, because: string): Promise<void> {
  const message = messageOf(event, canonicalJson(event.data), '/writ/verifier');
  await deps.bus.send({ ...message, messageId: `${event.id}-for-${because}` });
}

async function check(
  deps: Verifier,
  work: EvaluateWork,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const made: (() => Promise<void>)[] = [];
  try {
    const snapshot = await deps.openSnapshot(work);
    made.push(() => snapshot.close());
    const scratch = await deps.folders.make();
    made.push(() => deps.folders.remove(scratch));
    const inputs = await layInputs(deps, work);
    if (inputs !== undefined) made.push(() => deps.folders.remove(inputs));
    const facts = await layFacts(deps.folders, work, snapshot);
    if (facts !== undefined) made.push(() => deps.folders.remove(facts.folder));
    const readOnlyPaths = [...snapshot.readOnlyPaths, ...(facts ? [facts.folder] : [])];
    const environment = { ...deps.environment, ...namesOf(work), ...facts?.environment };
    const { runProgram, ask, readRepository, redact } = deps;
    const workers = { desk: deps.workers, run: work, redact };
    const tools = { runProgram, ask, readRepository, workers };
    const given = { scratch, inputs, environment, ...tools, signal };
    return await runChecks(work, { ...snapshot, readOnlyPaths, ...given }, deps);
  } catch (error) {
    if (!(error instanceof SnapshotImpossible)) throw error;
    return await allInError(work, `there is nothing to check: ${error.message}`, deps);
  } finally {
    for (const remove of made.reverse()) {
      await remove().catch((error: unknown) => {
        // Swept at the next start; the verdict counts all the same.
        deps.logger.warn({ err: error, runId: work.runId }, 'a folder of an evaluation is left');
      });
    }
  }
}

async function layInputs(deps: Verifier, work: EvaluateWork): Promise<string | undefined> {
  const wanted = work.checks.some((it) => it.kind === 'program' && wantsInputs(it));
  if (!wanted) return undefined;
  const files = work.inputs.map(({ name, digest }) => ({ path: name, digest }));
  return layFiles(deps.folders, deps.content, files);
}

const namesOf = ({ directiveId, step, runId }: EvaluateWork) => ({
  WRIT_DIRECTIVE: directiveId,
  WRIT_STEP: step,
  WRIT_RUN: runId,
});
