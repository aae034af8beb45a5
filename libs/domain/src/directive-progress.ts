/**
 * How a directive goes on: what a prepared workspace, a run that ended, an evaluation or a merge make
 * happen. What becomes of a step is in `step-outcome.ts`, what people ask for in `directive.ts`.
 *
 * P1 News of anything but the present run of a step in the status that waits for it changes nothing:
 *    it came twice, or late.
 * P2 Whatever ends a step also starts what is ready then, or ends the directive, in one decision.
 */
import type {
  DirectiveEvent,
  EvaluationCompleted,
  RunEnded,
  StepFailure,
  StepRun,
  WorkspaceEvent,
} from '@writ/contracts';
import { askChecks, machineChecks } from './ask-people';
import { settle } from './budget-limits';
import type { StepState } from './chain';
import { advance } from './directive-advance';
import { planIfPrepared } from './directive-planning';
import { suspend } from './suspension';
import { Draft } from './directive-draft';
import { isFinal, type Directive } from './directive-state';
import { postpone } from './postpone-step';
import { isProviderTrouble, providerOf } from './provider-breaker';
import { noteRollback } from './rollback';
import { attempted, reworkAfterConflict, reworkIsOver } from './rework';
import { fail, hasWorked, judge, judgedAlready, sendBack } from './step-outcome';

export function noteWorkspace(event: WorkspaceEvent, state: Directive): DirectiveEvent[] {
  const draft = new Draft(state, state.id);
  switch (event.type) {
    case 'WorkspacePrepared': {
      if (!awaitsWorkspace(state)) return [];
      const { path, branch, baseCommit } = event.data;
      draft.emit({ type: 'WorkspaceReady', data: { path, branch, baseCommit } });
      if (state.status === 'planning') planIfPrepared(draft);
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
        const tried = attempted(step.run, step.confidence);
        const { maxReworkCycles } = state.spec.limits;
        if (reworkIsOver(step.sentBack, tried, maxReworkCycles) === undefined) {
          const rework = reworkAfterConflict(step.run, message, paths);
          sendBack(draft, { ...end, rework });
        } else fail(draft, { ...end, failure: { kind: 'merge_conflict', message, paths } });
      }
      return draft.events;
    }
    case 'WorkspaceRolledBack':
    case 'WorkspaceRollbackRefused':
      noteRollback(draft, event);
      return draft.events;
  }
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
  const { runId, result } = ended;
  settle(draft, ended);
  if (draft.state.ending.has(runId) && !isFinal(draft.state.status)) {
    draft.emit({ type: 'RunOrphaned', data: { runId, result } });
    return advance(draft);
  }
  const step = stepOfRun(draft.state, runId, 'running');
  if (step === undefined) return;
  const name = step.spec.name;
  const run = summaryOf(ended);
  if (ended.error !== undefined && isProviderTrouble(step.spec, ended)) {
    const provider = providerOf(step.spec.adapter);
    return postpone(draft, { step: name, run, error: ended.error, provider });
  }
  if (!hasWorked(ended)) {
    const message = ended.error?.message ?? `the run ended as ${ended.result}`;
    const failure: StepFailure = { kind: 'run', message, error: ended.error };
    return fail(draft, { step: name, run, confidence: null, failure });
  }
  const confidence = judgedAlready(step.spec.verify, ended);
  if (confidence !== undefined) {
    const summary = confidence?.level === 'unknown' ? 'nothing was checked' : 'every check passed';
    const said = confidence === null ? 'no check is asked for' : summary;
    judge(draft, step, { run, confidence, summary: said, checks: [] });
  } else if (machineChecks(step.spec.verify).length > 0) {
    draft.emit({ type: 'StepEvaluating', data: { step: name, run } });
  } else if (askChecks(draft, step, { run, checks: [] })) advance(draft);
}

export function noteEvaluation(
  evaluation: EvaluationCompleted,
  state: Directive,
): DirectiveEvent[] {
  const step = stepOfRun(state, evaluation.runId, 'evaluating');
  if (step?.run === undefined || step.run === null) return [];
  const draft = new Draft(state, state.id);
  const { checks } = evaluation;
  if (askChecks(draft, step, { run: step.run, checks })) advance(draft);
  else judge(draft, step, { ...evaluation, run: step.run });
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
  const reason = `it has gone on for maxWallTimeMinutes (${state.spec.limits.maxWallTimeMinutes})`;
  const draft = new Draft(state, state.id);
  suspend(draft, 'time', reason);
  return draft.events;
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
  const { runId, result, artifacts, usage, commit, diff, durationMs, source } = ended;
  const sourceRunId = source?.runId;
  return { runId, result, artifacts, usage, commit, diff, durationMs, sourceRunId };
}
