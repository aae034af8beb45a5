/** How a directive is shown: the documents of queries, from its state alone. */
import type {
  DirectiveDocument,
  DirectiveEventData,
  DirectiveSummary,
  StepDocument,
} from '@writ/contracts';
import { approvalDocument } from './approvals';
import { budgetDocument } from './budget-limits';
import { isActive, type StepState } from './chain';
import type { Directive } from './directive-state';

export function directiveSummary(state: Directive): DirectiveSummary {
  return {
    id: state.id,
    title: state.spec.title,
    status: state.status,
    ...(state.reason === null ? {} : { reason: state.reason }),
    generation: state.generation,
    createdAt: state.createdAt,
    startedAt: state.startedAt,
    completedAt: state.completedAt,
    costUsd: state.ledger.spent.costUsd,
    version: state.version,
    position: state.position,
    approvals: [...state.approvals.values()].map((it) => approvalDocument(state.id, it)),
    criteria: [...state.criteria],
    workspace: { branch: state.workspace?.branch ?? null, commit: state.commit },
  };
}

export function directiveDocument(state: Directive): DirectiveDocument {
  const budget = budgetDocument(state);
  return {
    ...directiveSummary(state),
    goal: state.spec.goal,
    steps: [...state.chain].map((step) => stepDocument(state, step)),
    ...(budget === undefined ? {} : { budget }),
    ...(state.suspension === null ? {} : { suspension: state.suspension }),
    ...(state.submitted === null ? {} : { plan: planDocument(state.submitted) }),
  };
}

function planDocument(plan: DirectiveEventData<'PlanSubmitted'>): DirectiveDocument['plan'] {
  const { generation, strategy, digest, rationale, steps } = plan;
  return { generation, strategy, digest, steps, ...(rationale === undefined ? {} : { rationale }) };
}

function stepDocument(state: Directive, step: StepState): StepDocument {
  const reason =
    step.failure?.message ??
    (step.blockedBy === null ? undefined : `needs ${step.blockedBy}, which failed`);
  return {
    id: `${state.id}-g${state.generation}-${step.spec.name}`,
    name: step.spec.name,
    type: step.spec.type,
    status: step.status,
    dependsOn: step.spec.dependsOn,
    attempt: step.attempt,
    runId: step.runId,
    runStatus: step.run?.result ?? (isActive(step) ? 'running' : null),
    confidence: step.confidence,
    startedAt: step.startedAt,
    completedAt: step.completedAt,
    artifacts: step.run?.artifacts ?? [],
    ...(reason === undefined ? {} : { reason }),
  };
}
