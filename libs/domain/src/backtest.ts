/**
 * A backtest: past decisions of the gate, decided again by another policy, and what would have come
 * out otherwise. Owns the counts; the deciding is in `gate-decisions.ts`.
 */
import type { BacktestReport, DecisionFlip, DecisionPolicy } from '@writ/contracts';
import { decideAgain, type GateDecision } from './gate-decisions';

export interface BacktestOptions {
  readonly policy: DecisionPolicy;
  readonly since: string | null;
  /** So many flips are listed; all are counted. */
  readonly limit: number;
}

export class Backtest {
  private decisions = 0;
  private flips = 0;
  private againstDenial = 0;
  private asIsApproved = 0;
  private readonly counts: Record<string, number> = {};
  private readonly steps: DecisionFlip[] = [];
  /** Of attempts that others came after: what the policy makes of their checks. */
  private readonly scores = new Map<string, number | null>();

  constructor(private readonly options: BacktestOptions) {}

  /** Of the runs that decisions name as earlier attempts: those it has not heard of. */
  missing(decisions: readonly GateDecision[]): string[] {
    const given = new Set(decisions.map(({ runId }) => runId));
    const earlier = decisions.flatMap(({ before }) => before.map(({ runId }) => runId));
    return [...new Set(earlier)].filter((id) => !given.has(id) && !this.scores.has(id));
  }

  /** An earlier attempt at a step that is tested: it counts for that, and for nothing else. */
  know(decision: GateDecision): void {
    const { confidence } = decideAgain(decision, this.options.policy, this.scores);
    this.scores.set(decision.runId, confidence?.score ?? null);
  }

  /** In order of position. */
  take(decision: GateDecision): void {
    const { policy, limit } = this.options;
    const now = decideAgain(decision, policy, this.scores);
    if (decision.outcome !== 'pass') this.scores.set(decision.runId, now.confidence?.score ?? null);
    this.decisions += 1;
    if (now.outcome === decision.outcome) return;
    this.flips += 1;
    const flip = `${decision.outcome}->${now.outcome}`;
    this.counts[flip] = (this.counts[flip] ?? 0) + 1;
    const { directiveId, step, runId, at, position, outcome, confidence, said } = decision;
    if (now.outcome === 'pass' && said !== null && said.by.length > 0) {
      if (said.decision === 'approve') this.asIsApproved += 1;
      else this.againstDenial += 1;
    }
    if (this.steps.length >= limit) return;
    const about = { directiveId, step, runId, at, position };
    this.steps.push({ ...about, then: { outcome, confidence }, now, said });
  }

  report(): BacktestReport {
    const { policy, since } = this.options;
    const { decisions, flips, counts, againstDenial, asIsApproved, steps } = this;
    return { policy, since, decisions, flips, counts, againstDenial, asIsApproved, steps };
  }
}
