/**
 * The evaluation aggregate: what the results of the checks of one run add up to. Owns the score,
 * the level and the rule which checks must pass; how a check is carried out is the verifier's.
 *
 * - A required check that failed makes the whole red.
 * - The score is the weight of the passed checks in that of all that ran.
 * - A check with an error says nothing for or against the step, but what it should have shown is
 *   not shown: with one, the level is yellow at most, and unknown when no other check ran.
 */
import type {
  Check,
  CheckResult,
  Confidence,
  ConfidenceLevel,
  EvaluationCompleted,
  EvaluationEvent,
  Thresholds,
} from '@writ/contracts';
import type { Decider } from './decider';

/**
 * Whether a check must pass. A check that names a weight wants to be weighed; one that does not is a
 * condition: these checks decide yes or no, and among many that pass a single failed one would
 * otherwise vanish in the average (nine of ten is 0.9, above the usual threshold of green).
 */
export function isRequired(check: Pick<Check, 'required' | 'weight'>): boolean {
  return check.required ?? check.weight === undefined;
}

export const DEFAULT_WEIGHT = 1;

type Scored = Pick<CheckResult, 'outcome' | 'required' | 'weight'>;

export function confidenceOf(checks: readonly Scored[], thresholds: Thresholds): Confidence {
  const ran = checks.filter((check) => check.outcome !== 'error');
  const weightOf = (some: readonly Scored[]) => some.reduce((sum, check) => sum + check.weight, 0);
  const total = weightOf(ran);
  const score = total > 0 ? weightOf(ran.filter(isPassed)) / total : null;
  if (ran.some((check) => check.required && !isPassed(check))) return { score, level: 'red' };
  if (score === null) return { score, level: 'unknown' };
  const level = levelOf(score, thresholds);
  // A check that weighs nothing and need not pass can fail to run without harm.
  const unshown = checks.some(
    (check) => check.outcome === 'error' && (check.required || check.weight > 0),
  );
  return { score, level: unshown && level === 'green' ? 'yellow' : level };
}

const isPassed = (check: Scored) => check.outcome === 'passed';

function levelOf(score: number, { green, yellow }: Thresholds): ConfidenceLevel {
  if (score >= green) return 'green';
  return score >= yellow ? 'yellow' : 'red';
}

/** One line for people: how many passed, and what is wrong with the others. */
export function summaryOfChecks(checks: readonly CheckResult[]): string {
  if (checks.length === 0) return 'there was nothing to check';
  const passed = checks.filter(isPassed).length;
  const others = checks.filter((check) => !isPassed(check));
  const shown = others.slice(0, 5).map((check) => {
    const what = check.outcome === 'failed' ? 'failed' : 'could not run';
    return `${check.name} ${what}: ${check.message}`;
  });
  if (others.length > shown.length) shown.push(`and ${others.length - shown.length} more`);
  return [`${passed} of ${checks.length} checks passed`, ...shown].join('; ');
}

export type EvaluationState =
  | { readonly status: 'absent' }
  | { readonly status: 'completed'; readonly evaluation: EvaluationCompleted };

export interface CompleteEvaluation {
  readonly type: 'complete';
  readonly work: Pick<EvaluationCompleted, 'runId' | 'directiveId' | 'step'>;
  readonly thresholds: Thresholds;
  readonly checks: readonly CheckResult[];
  readonly durationMs: number;
}

export const evaluationDecider: Decider<EvaluationState, CompleteEvaluation, EvaluationEvent> = {
  initial: { status: 'absent' },
  /** A run is evaluated once; whoever comes second has nothing to add. */
  decide: ({ work, thresholds, checks, durationMs }, state) => {
    if (state.status === 'completed') return [];
    const { runId, directiveId, step } = work;
    const confidence = confidenceOf(checks, thresholds);
    const summary = summaryOfChecks(checks);
    const data = {
      runId,
      directiveId,
      step,
      checks: [...checks],
      confidence,
      summary,
      durationMs,
    };
    return [{ type: 'EvaluationCompleted', data }];
  },
  evolve: (state, event) =>
    event.type === 'EvaluationCompleted'
      ? { status: 'completed', evaluation: event.data as EvaluationCompleted }
      : state,
};
