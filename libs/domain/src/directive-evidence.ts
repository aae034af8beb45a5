/**
 * From requirement to step to criterion to evidence, as it is shown: what the directive's state and
 * the evaluations of its runs say together. Nothing of it is stored; both are in the log.
 */
import type {
  CriterionResult,
  DirectiveDocument,
  EvaluationCompleted,
  EvidenceDocument,
} from '@writ/contracts';
import type { StepState } from './chain';
import { checksOf } from './checks-of-step';
import type { Directive } from './directive-state';

/** The runs whose evaluations `withEvidence` wants to know. */
export function judgedRunsOf({ chain }: Directive): string[] {
  const judged = [...chain].filter((step) => checksOf(step.spec).length > 0);
  return [...new Set(judged.flatMap(runsOf))];
}

/** The step's own run; and of one that came from the cache, the one that did the work. */
const runsOf = ({ runId, run }: StepState): string[] =>
  [run?.runId ?? runId, run?.sourceRunId].filter((id) => typeof id === 'string');

export function withEvidence(
  document: DirectiveDocument,
  { chain, spec }: Directive,
  evaluations: readonly EvaluationCompleted[],
): DirectiveDocument {
  const byRun = new Map(evaluations.map((evaluation) => [evaluation.runId, evaluation]));
  const steps = document.steps.map((shown) => {
    const step = chain.get(shown.name);
    return { ...shown, evidence: step === undefined ? [] : evidenceOf(step, byRun) };
  });
  const working = new Map<string, { name: string; status: StepState['status'] }[]>();
  for (const { spec: step, status } of chain) {
    for (const id of step.requirementIds) {
      working.set(id, [...(working.get(id) ?? []), { name: step.name, status }]);
    }
  }
  const requirements = spec.requirements.map((it) => ({ ...it, steps: working.get(it.id) ?? [] }));
  const byName = new Map(steps.map(({ name, evidence }) => [name, evidence]));
  const criteria = document.criteria.map((it) => withChecks(it, byName));
  return { ...document, steps, requirements, criteria };
}

function evidenceOf(
  step: StepState,
  byRun: ReadonlyMap<string, EvaluationCompleted>,
): EvidenceDocument[] {
  const runId = runsOf(step).find((id) => byRun.has(id));
  const { checks = [] } = byRun.get(runId ?? '') ?? {};
  return checks.map(({ name, kind, outcome, acceptanceCriteriaIds: criteria = [], logDigest }) => ({
    ...{ check: name, kind, outcome, criteria, runId: runId ?? '' },
    ...(logDigest === undefined ? {} : { logDigest }),
  }));
}

/** The run stands as evidence by itself; its checks beside it where some speak for the criterion. */
function withChecks(
  criterion: CriterionResult,
  byName: ReadonlyMap<string, readonly EvidenceDocument[]>,
): CriterionResult {
  const evidence = criterion.evidence.map((it) => {
    const speaking = byName.get(it.step)?.filter(({ criteria }) => criteria.includes(criterion.id));
    const checks = speaking?.map(({ check }) => check) ?? [];
    return checks.length === 0 ? it : { ...it, checks };
  });
  return { ...criterion, evidence };
}
