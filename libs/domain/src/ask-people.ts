/**
 * Steps and checks that are people: what they are asked, and what becomes of the answer. Nothing
 * works meanwhile, so neither an executor nor a place in the chain is held.
 */
import {
  ApprovalPolicy,
  approvalIdOf,
  humanCheckIdOf,
  runIdOf,
  type Check,
  type CheckResult,
  type EvaluationCompleted,
  type HumanCheck,
  type OpenCheck,
  type StepRun,
  type Verify,
} from '@writ/contracts';
import { subjectDigest } from './approvals';
import type { StepState } from './chain';
import type { Draft } from './directive-draft';
import { confidenceOf, DEFAULT_WEIGHT, isRequired, summaryOfChecks } from './evaluation';

const isHuman = (check: Check): check is HumanCheck => check.kind === 'human';

export const humanChecks = (verify: Verify | undefined): HumanCheck[] =>
  Array.isArray(verify) ? verify.filter(isHuman) : [];

/** Those that the verifier carries out. */
export const machineChecks = (verify: Verify | undefined): Check[] =>
  Array.isArray(verify) ? verify.filter((check) => !isHuman(check)) : [];

/** In the place of starting the step. */
export function askQuestion(draft: Draft, { spec: step, attempt: before }: StepState): void {
  const { adapter, name } = step;
  if (adapter.kind !== 'human') throw new Error(`step ${name} is no question`);
  const { id, generation, spec, requester } = draft.state;
  const attempt = before + 1;
  const runId = runIdOf(id, generation, name, attempt);
  const { question: text, choices } = adapter;
  const question = { runId, attempt, text, ...(choices === undefined ? {} : { choices }) };
  const { checklist: _, ...policy } = spec.approvals ?? ApprovalPolicy.parse({});
  draft.emit({
    type: 'ApprovalRequested',
    data: {
      ...{ approvalId: approvalIdOf(runId), type: 'question', generation, step: name },
      ...{ confidence: null, summary: text, requester, reworkProposed: false, question },
      digest: subjectDigest({ directiveId: id, generation, step: name, question }),
      // One answer is the answer.
      policy: { ...policy, quorum: 1 },
    },
  });
}

export interface Found {
  readonly run: StepRun;
  readonly checks: EvaluationCompleted['checks'];
}

/**
 * Asks about the checks that are left to people; false when there are none, or when what is required
 * has failed already, so that nobody need look.
 */
export function askChecks(draft: Draft, step: StepState, { run, checks }: Found): boolean {
  const open = openChecks(step);
  const failed = checks.some(({ required, outcome }) => required && outcome === 'failed');
  if (open.length === 0 || failed) return false;
  const { id, generation, spec, requester } = draft.state;
  const { name } = step.spec;
  const { checklist: _, ...policy } = spec.approvals ?? ApprovalPolicy.parse({});
  const subject = { directiveId: id, generation, step: name, run, open, checks };
  draft.emit({
    type: 'ApprovalRequested',
    data: {
      ...{ approvalId: humanCheckIdOf(run.runId), type: 'human_check', generation, step: name },
      ...{ run, confidence: confidenceSoFar(checks, spec.thresholds), requester },
      ...{ digest: subjectDigest(subject), reworkProposed: false, policy },
      summary: open.map(({ question }) => question).join('\n'),
      checks: { found: [...checks], open },
    },
  });
  return true;
}

const confidenceSoFar = (
  checks: readonly CheckResult[],
  thresholds: Parameters<typeof confidenceOf>[1],
) => (checks.length === 0 ? null : confidenceOf(checks, thresholds));

function openChecks({ spec }: StepState): OpenCheck[] {
  return humanChecks(spec.verify).map((check, at, all) => ({
    name: check.name ?? (all.length === 1 ? 'a person' : `a person #${at + 1}`),
    required: isRequired(check),
    weight: check.weight ?? DEFAULT_WEIGHT,
    question: check.question,
    acceptanceCriteriaIds: check.acceptanceCriteriaIds ?? spec.acceptanceCriteriaIds,
  }));
}

/** All checks of the run, with what the person said. */
export function judgedByPeople(
  { found, open }: { readonly found: readonly CheckResult[]; readonly open: readonly OpenCheck[] },
  passed: boolean,
  said: string,
  thresholds: Parameters<typeof confidenceOf>[1],
) {
  const answered = open.map(({ question: _, ...check }): CheckResult => {
    const outcome = passed ? 'passed' : 'failed';
    return { ...check, kind: 'human', outcome, message: said, durationMs: 0 };
  });
  const checks = [...found, ...answered];
  return {
    checks,
    confidence: confidenceOf(checks, thresholds),
    summary: summaryOfChecks(checks),
  };
}
