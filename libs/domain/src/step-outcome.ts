/**
 * What becomes of a step whose run has ended: it goes through the gate, and passes, is sent back,
 * waits for a person, or ends. Whatever it is, what follows from it for the directive is decided with
 * it (P2 of `directive-progress.ts`).
 */
import {
  ApprovalPolicy,
  approvalIdOf,
  type Autonomy,
  type Confidence,
  type DirectiveEventData,
  type EvaluationCompleted,
  type Rework,
  type RunEnded,
  type StepFailure,
  type StepRun,
  type Verify,
} from '@writ/contracts';
import { subjectDigest } from './approvals';
import { humanChecks } from './ask-people';
import type { StepState } from './chain';
import { advance } from './directive-advance';
import type { Draft } from './directive-draft';
import { gate } from './gate';
import { attempted, reworkAfterChecks, reworkIsOver } from './rework';

interface Judged {
  readonly run: StepRun;
  /** Null: the step asks for no judgement. */
  readonly confidence: Confidence | null;
  readonly summary: string;
  readonly checks: EvaluationCompleted['checks'];
}

/** The one place where a step that has run goes through the gate. */
export function judge(draft: Draft, step: StepState, judged: Judged): void {
  const { run, confidence, checks, summary } = judged;
  const { autonomy, limits } = draft.state.spec;
  const tried = attempted(run, confidence);
  const over = reworkIsOver(step.sentBack, tried, limits.maxReworkCycles);
  const said = over === undefined || confidence?.level !== 'red' ? summary : `${over}: ${summary}`;
  const rework = reworkAfterChecks(run, checks, summary);
  const name = step.spec.name;
  switch (gate(autonomy, confidence?.level ?? null, over !== undefined)) {
    case 'pass':
    case 'flag':
      return pass(draft, name, run, confidence);
    case 'rework':
      return sendBack(draft, { step: name, run, confidence, rework });
    case 'block': {
      const failure: StepFailure = { kind: 'verification', message: said };
      return block(draft, { step: name, because: name, run, confidence, failure });
    }
    case 'approval':
      return requestApproval(draft, step, { ...judged, summary: said }, rework);
  }
}

function requestApproval(
  draft: Draft,
  { spec: { name: step } }: StepState,
  { run, confidence, summary, checks }: Judged,
  rework: Rework,
): void {
  const { id, generation, spec, requester } = draft.state;
  const { artifacts, commit, diff, result } = run;
  const subject = {
    ...{ directiveId: id, generation, step, runId: run.runId, result, artifacts },
    ...{ commit: commit ?? null, confidence, summary },
    ...(diff === undefined ? {} : { diff }),
  };
  draft.emit({
    type: 'ApprovalRequested',
    data: {
      ...{ approvalId: approvalIdOf(run.runId), type: 'step_review', generation, step, run },
      ...{ confidence, digest: subjectDigest(subject), summary, rework, requester },
      reworkProposed: confidence?.level === 'red',
      ...(checks.some(({ kind }) => kind === 'human')
        ? { checks: { found: checks, open: [] } }
        : {}),
      policy: spec.approvals ?? ApprovalPolicy.parse({}),
    },
  });
  // It holds no place: others may start meanwhile.
  advance(draft);
}

export function sendBack(draft: Draft, data: DirectiveEventData<'StepReworkRequested'>): void {
  draft.emit({ type: 'StepReworkRequested', data });
  advance(draft);
}

/** In a git workspace the work is merged first; the step passes when it is. */
export function pass(
  draft: Draft,
  step: string,
  run: StepRun,
  confidence: Confidence | null,
): void {
  const data = { step, run, confidence };
  if (run.commit !== undefined) return draft.emit({ type: 'StepMerging', data });
  draft.emit({ type: 'StepPassed', data });
  advance(draft);
}

export function fail(draft: Draft, data: DirectiveEventData<'StepFailed'>): void {
  draft.emit({ type: 'StepFailed', data });
  leave(draft, data.step);
}

export function block(draft: Draft, data: DirectiveEventData<'StepBlocked'>): void {
  draft.emit({ type: 'StepBlocked', data });
  leave(draft, data.step);
}

/** What needs the step can never start. */
function leave(draft: Draft, because: string): void {
  for (const { spec } of draft.state.chain.idleAfter(because)) {
    draft.emit({ type: 'StepBlocked', data: { step: spec.name, because } });
  }
  advance(draft);
}

/** Whether a step passes by the end of its run alone: nobody is left to judge it. */
export function passesByItself(
  { verify, autonomy }: { readonly verify?: Verify; readonly autonomy: Autonomy },
  ended: RunEnded,
): boolean {
  const confidence = hasWorked(ended) ? judgedAlready(verify, ended) : undefined;
  if (confidence === undefined) return false;
  return ['pass', 'flag'].includes(gate(autonomy, confidence?.level ?? null, false));
}

export const hasWorked = ({ result }: RunEnded) => result === 'success' || result === 'skipped';

/** Undefined when its checks have to be asked. */
export function judgedAlready(
  verify: Verify | undefined,
  ended: RunEnded,
): Confidence | null | undefined {
  if (verify === 'none') return null;
  if (verify === undefined || verify.length === 0) return { score: null, level: 'unknown' };
  // Of a run from the cache. That every check passed is green under any thresholds; of anything less
  // the thresholds of this directive decide, which may not be those it was judged by.
  // What a person said is not handed out again: it was about another run.
  const recorded = humanChecks(verify).length > 0 ? undefined : ended.source?.confidence;
  return recorded?.level === 'green' && recorded.score === 1
    ? { score: 1, level: 'green' }
    : undefined;
}
