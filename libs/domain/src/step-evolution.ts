/** What a step is after an event of its own. Owns the statuses of a step. */
import type { DirectiveEvent } from '@writ/contracts';
import type { StepState } from './chain';
import { attempted } from './rework';

/** Those that name the step that they are about, and move it. */
export type StepEvent = Exclude<
  Extract<DirectiveEvent, { data: { step: string } }>,
  { type: 'StepRemoved' }
>;

/** What was found wrong with earlier attempts counts no more. */
const untouched = {
  ...{ run: null, confidence: null, failure: null, blockedBy: null, commit: null },
  ...{ rework: null, sentBack: [] },
};

/** As if it had not run, save that its attempts are counted. */
export function reopened(step: StepState, status: 'pending' | 'stale', at: string): StepState {
  return { ...step, ...untouched, status, since: at, completedAt: null };
}

export function stepAfter(step: StepState, event: StepEvent, at: string): StepState {
  const since = { since: at };
  switch (event.type) {
    case 'StepStarted': {
      const { runId, attempt } = event.data;
      const startedAt = step.startedAt ?? at;
      return { ...step, ...since, status: 'running', runId, attempt, startedAt, run: null };
    }
    case 'StepEvaluating':
      return { ...step, ...since, status: 'evaluating', run: event.data.run };
    case 'StepMerging': {
      const { run, confidence } = event.data;
      return { ...step, ...since, status: 'merging', run, confidence };
    }
    case 'StepPassed': {
      const { run, confidence, commit } = event.data;
      const end = { run, confidence, commit: commit ?? null, completedAt: at };
      return { ...step, ...since, ...end, status: 'passed' };
    }
    case 'StepFailed': {
      const { run, confidence, failure } = event.data;
      return { ...step, ...since, run, confidence, failure, completedAt: at, status: 'failed' };
    }
    case 'ApprovalRequested': {
      const { run = null, confidence, question } = event.data;
      const waiting = { ...step, ...since, status: 'awaiting_approval' as const, run, confidence };
      if (question === undefined) return waiting;
      const { runId, attempt } = question;
      return { ...waiting, runId, attempt, startedAt: step.startedAt ?? at };
    }
    case 'StepReworkRequested': {
      const { run, confidence, rework } = event.data;
      const sentBack = [...step.sentBack, attempted(run, confidence)];
      return { ...step, ...since, status: 'rework', run, confidence, rework, sentBack };
    }
    case 'StepBlocked': {
      const { because, run = step.run, confidence = step.confidence, failure = null } = event.data;
      const end = failure === null ? {} : { completedAt: at };
      const blocked = { run, confidence, failure, blockedBy: because };
      return { ...step, ...since, ...blocked, ...end, status: 'blocked' };
    }
    case 'StepCancelled':
      if (event.data.again === true) return { ...step, ...since, status: 'pending' };
      return { ...step, ...since, status: 'cancelled', completedAt: at };
    case 'StepPostponed':
      return { ...step, ...since, status: step.rework === null ? 'pending' : 'rework' };
    case 'StepSkipped':
      return { ...step, ...since, ...untouched, status: 'skipped', completedAt: at };
    case 'StepReopened':
      return {
        ...reopened(step, step.status === 'passed' ? 'stale' : 'pending', at),
        forced: event.data.step === event.data.because,
      };
    default:
      throw new Error(`${(event as { type: string }).type} is no event of a step`);
  }
}
