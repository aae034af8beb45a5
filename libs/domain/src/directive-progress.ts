/**
 * How a directive goes on: what a prepared workspace, a run that ended, an evaluation or a merge make
 * happen. Owns the gate and which step starts next; what people ask for is in `directive.ts`.
 *
 * P1 News of anything but the present run of a step in the status that waits for it changes nothing:
 *    it came twice, or late.
 * P2 Whatever ends a step also starts what is ready then, or ends the directive, in one decision.
 */
import {
  runIdOf,
  type CriterionResult,
  type Confidence,
  type DirectiveEvent,
  type DirectiveEventData,
  type EvaluationCompleted,
  type RunEnded,
  type StepFailure,
  type StepRun,
  type Verify,
  type WorkspaceEvent,
} from '@writ/contracts';
import type { StepState } from './chain';
import { Draft } from './directive-draft';
import { isFinal, type Directive, type DirectiveState } from './directive-state';

export function activateIfPrepared(draft: Draft): void {
  const { spec, workspace, generation } = draft.state;
  if (spec.workspace.kind !== 'none' && workspace === null) return;
  const data = { generation: generation + 1, strategy: spec.planner.kind, steps: spec.steps };
  draft.emit({ type: 'ChainActivated', data });
  advance(draft);
}

export function noteWorkspace(event: WorkspaceEvent, state: Directive): DirectiveEvent[] {
  const draft = new Draft(state, state.id);
  switch (event.type) {
    case 'WorkspacePrepared': {
      if (!awaitsWorkspace(state)) return [];
      const { path, branch, baseCommit } = event.data;
      draft.emit({ type: 'WorkspaceReady', data: { path, branch, baseCommit } });
      if (state.status === 'planning') activateIfPrepared(draft);
      return draft.events;
    }
    case 'WorkspaceRefused': {
      if (!awaitsWorkspace(state)) return [];
      const reason = `${event.data.code}: ${event.data.message}`;
      return [{ type: 'DirectiveFailed', data: { reason, failedSteps: [] } }];
    }
    case 'StepMerged':
    case 'StepMergeConflicted': {
      const step = stepOfRun(state, event.data.runId, 'merging');
      if (step?.run === undefined || step.run === null) return [];
      const end = { step: step.spec.name, run: step.run, confidence: step.confidence };
      if (event.type === 'StepMerged') {
        draft.emit({ type: 'StepPassed', data: { ...end, commit: event.data.commit } });
        advance(draft);
      } else {
        const { message, paths } = event.data;
        fail(draft, { ...end, failure: { kind: 'merge_conflict', message, paths } });
      }
      return draft.events;
    }
  }
}

/**
 * How many events of its workspace's stream a directive has noted: the preparation and each merge,
 * when they are noted in the order of that stream.
 */
export function notedOfWorkspace(state: DirectiveState): number {
  if (state.status === 'absent' || state.workspace === null) return 0;
  let merges = 0;
  for (const { commit, failure } of state.chain) {
    if (commit !== null || failure?.kind === 'merge_conflict') merges += 1;
  }
  return 1 + merges;
}

/** P1, for the workspace. */
function awaitsWorkspace({ spec, workspace, startedAt, status }: Directive): boolean {
  return (
    spec.workspace.kind !== 'none' && workspace === null && startedAt !== null && !isFinal(status)
  );
}

/** Runs that ended one after the other; each counts when those before it have led to it. */
export function noteRuns(ends: readonly RunEnded[], state: Directive): DirectiveEvent[] {
  const draft = new Draft(state, state.id);
  for (const ended of ends) noteRun(draft, ended);
  return draft.events;
}

function noteRun(draft: Draft, ended: RunEnded): void {
  const step = stepOfRun(draft.state, ended.runId, 'running');
  if (step === undefined) return;
  const name = step.spec.name;
  const run = summaryOf(ended);
  if (!hasWorked(ended)) {
    const message = ended.error?.message ?? `the run ended as ${ended.result}`;
    const failure: StepFailure = { kind: 'run', message, error: ended.error };
    return fail(draft, { step: name, run, confidence: null, failure });
  }
  const confidence = judgedAlready(step.spec.verify, ended);
  if (confidence !== undefined) pass(draft, name, run, confidence);
  else draft.emit({ type: 'StepEvaluating', data: { step: name, run } });
}

/** Whether a step passes by the end of its run alone: nothing is left to be judged. */
export function passesByItself(verify: Verify | undefined, ended: RunEnded): boolean {
  return hasWorked(ended) && judgedAlready(verify, ended) !== undefined;
}

const hasWorked = ({ result }: RunEnded) => result === 'success' || result === 'skipped';

/** Undefined when its checks have to be asked. */
function judgedAlready(verify: Verify | undefined, ended: RunEnded): Confidence | null | undefined {
  if (verify === 'none') return null;
  if (verify === undefined || verify.length === 0) return { score: null, level: 'unknown' };
  // Of a run from the cache. That every check passed is green under any thresholds; of anything less
  // the thresholds of this directive decide, which may not be those it was judged by.
  const recorded = ended.source?.confidence;
  return recorded?.level === 'green' && recorded.score === 1
    ? { score: 1, level: 'green' }
    : undefined;
}

export function noteEvaluation(
  evaluation: EvaluationCompleted,
  state: Directive,
): DirectiveEvent[] {
  const step = stepOfRun(state, evaluation.runId, 'evaluating');
  if (step?.run === undefined || step.run === null) return [];
  const draft = new Draft(state, state.id);
  judge(draft, step.spec.name, step.run, evaluation.confidence, evaluation.summary);
  return draft.events;
}

/** True when a directive has gone on for longer than it may; both times are the database's. */
export function isOverTime({ spec, movingSince }: Directive, now: string): boolean {
  const { maxWallTimeMinutes } = spec.limits;
  if (maxWallTimeMinutes === undefined || movingSince === null) return false;
  return Date.parse(now) - Date.parse(movingSince) >= maxWallTimeMinutes * 60_000;
}

/** A limit is no dead end: who resumes the directive gives it the same time again. */
export function noteTime(
  { now, since }: { readonly now: string; readonly since: string },
  state: Directive,
): DirectiveEvent[] {
  // Decided behind a resume that is not recorded yet, it would compare two clocks.
  if (state.movingSince !== since || !isOverTime(state, now)) return [];
  const { maxWallTimeMinutes } = state.spec.limits;
  const reason =
    `it has gone on for maxWallTimeMinutes (${maxWallTimeMinutes}); ` +
    'resume lets it go on for as long again';
  return [{ type: 'DirectivePaused', data: { reason } }];
}

/** The gate: red fails the step; anything else lets it pass, its level on record. */
function judge(
  draft: Draft,
  step: string,
  run: StepRun,
  confidence: Confidence,
  summary: string,
): void {
  if (confidence.level !== 'red') return pass(draft, step, run, confidence);
  fail(draft, { step, run, confidence, failure: { kind: 'verification', message: summary } });
}

/** In a git workspace the work is merged first; the step passes when it is. */
function pass(draft: Draft, step: string, run: StepRun, confidence: Confidence | null): void {
  const data = { step, run, confidence };
  if (run.commit !== undefined) return draft.emit({ type: 'StepMerging', data });
  draft.emit({ type: 'StepPassed', data });
  advance(draft);
}

function fail(draft: Draft, data: DirectiveEventData<'StepFailed'>): void {
  draft.emit({ type: 'StepFailed', data });
  const because = data.step;
  for (const { spec } of draft.state.chain.pendingAfter(because)) {
    draft.emit({ type: 'StepBlocked', data: { step: spec.name, because } });
  }
  advance(draft);
}

/** Starts what is ready within the limit, or ends the directive when nothing is left to do (P2). */
export function advance(draft: Draft): void {
  if (draft.state.status !== 'active') return;
  const { limits } = draft.state.spec;
  if (draft.state.chain.tally.failed > limits.maxFailedSteps) {
    cancelActive(draft);
    return draft.emit({ type: 'DirectiveFailed', data: failureOf(draft.state) });
  }
  while (draft.state.chain.tally.active < limits.maxParallelSteps) {
    const { id, generation, chain } = draft.state;
    const next = chain.firstReady();
    if (next === undefined) break;
    const attempt = next.attempt + 1;
    const step = next.spec.name;
    const runId = runIdOf(id, generation, step, attempt);
    draft.emit({ type: 'StepStarted', data: { step, runId, attempt } });
  }
  const { tally } = draft.state.chain;
  if (tally.active > 0) return;
  if (tally.failed > 0) {
    return draft.emit({ type: 'DirectiveFailed', data: failureOf(draft.state) });
  }
  const commit = draft.state.commit ?? undefined;
  draft.emit({ type: 'DirectiveCompleted', data: { criteria: criteriaOf(draft.state), commit } });
}

function failureOf({ chain }: Directive): DirectiveEventData<'DirectiveFailed'> {
  const failedSteps = chain.failed().map((step) => step.spec.name);
  const steps = failedSteps.length === 1 ? 'step' : 'steps';
  return { reason: `${steps} ${failedSteps.join(', ')} failed`, failedSteps };
}

/** A criterion is met when the steps that name it passed; their runs are the evidence. */
function criteriaOf(state: Directive): CriterionResult[] {
  const steps = [...state.chain];
  return state.spec.acceptanceCriteria.map(({ id }) => {
    const naming = steps.filter((step) => step.spec.acceptanceCriteriaIds.includes(id));
    const evidence = naming.map((step) => ({ step: step.spec.name, runId: step.runId ?? '' }));
    const met = naming.length === 0 ? null : naming.every((step) => step.status === 'passed');
    return { id, met, evidence };
  });
}

export function cancelActive(draft: Draft): void {
  for (const { spec, runId } of draft.state.chain.active()) {
    if (runId === null) continue;
    draft.emit({ type: 'StepCancelled', data: { step: spec.name, runId } });
  }
}

/** P1 */
function stepOfRun(
  state: Directive,
  runId: string,
  status: StepState['status'],
): StepState | undefined {
  if (isFinal(state.status)) return undefined;
  // `<directive>-g<generation>-<step>-a<attempt>`; a run of another chain is nobody's step.
  const name = runId.slice(`${state.id}-g${state.generation}-`.length, runId.lastIndexOf('-a'));
  const step = state.chain.get(name);
  return step?.runId === runId && step.status === status ? step : undefined;
}

function summaryOf(ended: RunEnded): StepRun {
  const { runId, result, artifacts, usage, commit, durationMs, source } = ended;
  const sourceRunId = source?.runId;
  return { runId, result, artifacts, usage, commit, durationMs, sourceRunId };
}
