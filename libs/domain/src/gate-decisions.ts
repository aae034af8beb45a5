/**
 * The decisions of the gate as the record has them: what was decided about each step that was judged,
 * and everything that it was decided by. Owns how they follow from the events, and that the same
 * can be decided again, by the same functions and perhaps by another policy.
 *
 * B1 Decided again by the policy that its directive had, each decision comes out as it was recorded.
 * B2 A run passes the gate once: the first event that can be of the gate is; what follows (a person's
 *    word, a merge) is not.
 * B3 What came of it stays: another policy changes a decision, not what happened before it.
 */
import { hash } from 'node:crypto';
import type {
  ApprovalEventData,
  CheckResult,
  Confidence,
  DecisionPolicy,
  DirectiveEvent,
  DirectiveEventData,
  EvaluationCompleted,
  GateOutcome,
  RecordedEvent,
  SaidOfDecision,
  StepRun,
} from '@writ/contracts';
import { confidenceOf } from './evaluation';
import { gate, gateTable, type GateAction } from './gate';
import { attempted, reworkIsOver } from './rework';

export type JudgedCheck = Pick<CheckResult, 'name' | 'kind' | 'outcome' | 'required' | 'weight'>;

/** An attempt that was sent back before: see `Attempted`. `made` is a digest. */
export interface EarlierAttempt {
  readonly runId: string;
  readonly score: number | null;
  readonly made: string;
}

type Spec = DirectiveEventData<'DirectiveCreated'>;

/** What the gate goes by, of a directive. */
export interface GatePolicy extends Pick<Spec, 'autonomy' | 'thresholds'> {
  readonly maxReworkCycles: number;
}

export interface GateDecision {
  readonly directiveId: string;
  readonly step: string;
  readonly runId: string;
  readonly at: string;
  readonly position: number;
  readonly outcome: GateOutcome;
  readonly confidence: Confidence | null;
  /** null: the level does not come from checks of this run, so no thresholds change it. */
  readonly checks: readonly JudgedCheck[] | null;
  readonly policy: GatePolicy;
  readonly before: readonly EarlierAttempt[];
  readonly made: string;
  /** null: nobody was asked, or nobody has answered. */
  readonly said: SaidOfDecision | null;
}

/** What is known of a directive while its events are read. */
export interface DecisionContext {
  readonly policy: GatePolicy;
  /** By the name of the step: attempts that were sent back, the oldest first. */
  readonly sentBack: Readonly<Record<string, readonly EarlierAttempt[]>>;
}

/** The events that decisions follow from. */
export const DECISION_EVENTS = [
  'DirectiveCreated',
  'DirectiveAmended',
  'LimitsRaised',
  'ChainActivated',
  'StepReopened',
  'StepSkipped',
  'StepUpdated',
  'StepMerging',
  'StepPassed',
  'StepReworkRequested',
  'StepBlocked',
  'ApprovalRequested',
  'ApprovalResolved',
  'EvaluationCompleted',
] as const satisfies readonly (DirectiveEvent['type'] | 'EvaluationCompleted')[];

const approvalEnd = '-review';
const digestOf = (text: string) => hash('sha256', text);

/** The run that an event may be a decision about, or says something of. */
export function runOfDecision({ type, data }: Pick<RecordedEvent, 'type' | 'data'>): string | null {
  if (type === 'EvaluationCompleted') return (data as EvaluationCompleted).runId;
  if (type === 'ApprovalResolved') {
    const { approvalId } = data as ApprovalEventData<'ApprovalResolved'>;
    return approvalId.endsWith(approvalEnd) ? approvalId.slice(0, -approvalEnd.length) : null;
  }
  return (data as { run?: StepRun }).run?.runId ?? null;
}

export function contextAfter(
  context: DecisionContext | undefined,
  event: DirectiveEvent,
): DecisionContext | undefined {
  if (event.type === 'DirectiveCreated') {
    const { autonomy, thresholds, limits } = event.data;
    const { maxReworkCycles } = limits;
    return { policy: { autonomy, thresholds, maxReworkCycles }, sentBack: {} };
  }
  if (context === undefined) return undefined;
  const { policy, sentBack } = context;
  switch (event.type) {
    case 'DirectiveAmended': {
      const { autonomy = policy.autonomy, thresholds = policy.thresholds, limits } = event.data.set;
      const maxReworkCycles = limits?.maxReworkCycles ?? policy.maxReworkCycles;
      return { ...context, policy: { autonomy, thresholds, maxReworkCycles } };
    }
    case 'LimitsRaised': {
      const { maxReworkCycles = policy.maxReworkCycles } = event.data.limits;
      return { ...context, policy: { ...policy, maxReworkCycles } };
    }
    // A step that begins anew has not been sent back: see `reopened` in `step-evolution.ts`.
    case 'ChainActivated':
      return { ...context, sentBack: {} };
    case 'StepReopened':
    case 'StepSkipped':
      return { ...context, sentBack: { ...sentBack, [event.data.step]: [] } };
    case 'StepUpdated':
      return { ...context, sentBack: { ...sentBack, [event.data.spec.name]: [] } };
    case 'StepReworkRequested': {
      const { step, run, confidence } = event.data;
      const { score, made } = attempted(run, confidence);
      const attempt = { runId: run.runId, score, made: digestOf(made) };
      return {
        ...context,
        sentBack: { ...sentBack, [step]: [...earlierOf(context, step), attempt] },
      };
    }
    default:
      return context;
  }
}

/** A name may be one that every object has. */
const earlierOf = ({ sentBack }: DecisionContext, step: string): readonly EarlierAttempt[] =>
  Object.hasOwn(sentBack, step) ? (sentBack[step] ?? []) : [];

/** The decision that an event of a directive records, if it can be one (B2). `checks`: of its run. */
export function decisionIn(
  recorded: RecordedEvent,
  context: DecisionContext,
  checks: readonly JudgedCheck[] | null,
): GateDecision | undefined {
  const event = recorded as unknown as DirectiveEvent;
  const outcome = outcomeOfEvent(event);
  if (outcome === undefined) return undefined;
  const { step, run, confidence } = event.data as DirectiveEventData<'StepPassed'>;
  const { directiveId, at } = { directiveId: idOf(recorded), at: recorded.recordedAt };
  const { runId } = run;
  return {
    ...{ directiveId, step, runId, at, position: recorded.position },
    ...{ outcome, confidence: confidence ?? null, checks, policy: context.policy },
    before: earlierOf(context, step),
    made: digestOf(attempted(run, confidence).made),
    said: null,
  };
}

const idOf = ({ stream }: RecordedEvent) => stream.slice(stream.indexOf('-') + 1);

function outcomeOfEvent(event: DirectiveEvent): GateOutcome | undefined {
  switch (event.type) {
    case 'StepMerging':
    case 'StepPassed':
      return 'pass';
    case 'ApprovalRequested':
      return event.data.type === 'step_review' ? 'ask' : undefined;
    case 'StepReworkRequested':
      return 'rework';
    case 'StepBlocked':
      return event.data.failure?.kind === 'verification' ? 'block' : undefined;
    default:
      return undefined;
  }
}

const outcomeOfAction: Readonly<Record<GateAction, GateOutcome>> = {
  ...{ pass: 'pass', flag: 'pass', approval: 'ask', rework: 'rework', block: 'block' },
};

export interface DecidedAgain {
  readonly outcome: GateOutcome;
  readonly confidence: Confidence | null;
}

/** `scores`: of earlier attempts, by run, where the policy gives another one than was recorded. */
export function decideAgain(
  decision: GateDecision,
  policy: DecisionPolicy = {},
  scores: ReadonlyMap<string, number | null> = new Map(),
): DecidedAgain {
  const autonomy = policy.autonomy ?? decision.policy.autonomy;
  const confidence = confidenceAgain(decision, policy);
  const before = decision.before.map((it) => ({
    ...it,
    score: scores.has(it.runId) ? (scores.get(it.runId) ?? null) : it.score,
  }));
  const now = { score: confidence?.score ?? null, made: decision.made };
  const most = policy.limits?.maxReworkCycles ?? decision.policy.maxReworkCycles;
  const over = reworkIsOver(before, now, most) !== undefined;
  const row = { ...gateTable[autonomy], ...policy.gate?.[autonomy] };
  const action = gate(autonomy, confidence?.level ?? null, over, { ...gateTable, [autonomy]: row });
  return { outcome: outcomeOfAction[action], confidence };
}

function confidenceAgain(
  { checks, confidence, policy: then }: GateDecision,
  { thresholds, checks: rules = [] }: DecisionPolicy,
): Confidence | null {
  // Thresholds that were amended while the checks ran are not those that they were judged by.
  if (checks === null || (thresholds === undefined && rules.length === 0)) return confidence;
  const counted = checks.map((check) => {
    const { name, kind, outcome } = check;
    const fits = rules.filter((it) => (it.name ?? name) === name && (it.kind ?? kind) === kind);
    const { required, weight } = Object.assign({}, check, ...fits.map(said)) as JudgedCheck;
    return { outcome, required, weight };
  });
  return confidenceOf(counted, { ...then.thresholds, ...thresholds });
}

/** Members that a rule does not speak of would otherwise take the place of those that are. */
const said = ({ required, weight }: { required?: boolean; weight?: number }) => ({
  ...(required === undefined ? {} : { required }),
  ...(weight === undefined ? {} : { weight }),
});
