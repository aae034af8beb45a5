/**
 * How a directive comes to a chain: by a plan that it carries, by one that an agent makes in a run of
 * its own, or by one that somebody submits. Owns when a plan is asked for again, when it waits for a
 * person, and what is carried out when none comes.
 *
 * P1 A plan is taken whole or not at all; what was wrong with it is an event, and goes into the next
 *    attempt of the one who plans.
 * P2 A chain in use goes on until the next one is activated: what runs ends, nothing more starts.
 */
import {
  ApprovalPolicy,
  approvalIdOf,
  isRefusal,
  PLAN_STEP,
  runIdOf,
  type Decision,
  type DirectiveEvent,
  type Issue,
  type PlannedStep,
  type RunEnded,
  type StepSpec,
} from '@writ/contracts';
import { subjectDigest } from './approvals';
import { settle } from './budget-limits';
import { advance, cancelActive, voidApprovals } from './directive-advance';
import { Draft } from './directive-draft';
import { isFinal, type Directive } from './directive-state';
import { changesOf, planSteps } from './plan-change';
import { defaultChain } from './planning-default';

/** A plan goes back with its errors so often at most. */
const MOST_RETURNS = 2;

/** What an agent that plans has made, or why nothing can be read of it. */
export type MadePlan =
  | { readonly steps: readonly StepSpec[]; readonly rationale?: string }
  | { readonly issues: readonly Issue[] };

export interface PlannedBy {
  readonly ended: RunEnded;
  readonly made: MadePlan;
}

/** When there is a workspace to plan in. */
export function planIfPrepared(draft: Draft): void {
  const { spec, workspace, plan, planning } = draft.state;
  if (spec.workspace.kind !== 'none' && workspace === null) return;
  if (planning !== null) return;
  if (spec.planner.kind === 'agent') askForPlan(draft, 1);
  else offerPlan(draft, plan ?? [], {});
}

export function askForPlan(
  draft: Draft,
  attempt: number,
  about: { readonly issues?: readonly Issue[]; readonly reason?: string } = {},
): void {
  const { id, generation: before, spec } = draft.state;
  const generation = before + 1;
  const { issues = [], reason } = about;
  draft.emit({
    type: 'PlanningStarted',
    data: {
      ...{ generation, attempt },
      ...(spec.planner.adapter && { runId: runIdOf(id, generation, PLAN_STEP, attempt) }),
      ...(issues.length > 0 && { issues: [...issues] }),
      ...(reason !== undefined && { reason }),
    },
  });
}

interface Offer {
  /** Why the chain before it is given up. */
  readonly reason?: string;
  readonly strategy?: string;
  readonly rationale?: string;
  readonly runId?: string;
}

/** A sound plan: it is carried out, or waits for a person. */
export function offerPlan(draft: Draft, steps: readonly PlannedStep[], offer: Offer): void {
  const { id, generation: before, spec } = draft.state;
  const { strategy = spec.planner.kind, rationale, runId, reason } = offer;
  const asks = needsApproval(draft.state);
  if (!asks && strategy !== 'agent') return activate(draft, steps, strategy, reason);
  const generation = before + 1;
  const subject = { directiveId: id, generation, strategy, steps, rationale: rationale ?? null };
  const digest = subjectDigest(subject);
  const said = { ...(rationale !== undefined && { rationale }), ...(runId && { runId }) };
  draft.emit({
    type: 'PlanSubmitted',
    data: { generation, strategy, steps: [...steps], digest, ...said },
  });
  if (asks) requestApproval(draft, digest, steps.length, rationale);
  else activate(draft, steps, strategy, reason);
}

/** A plan that an agent makes is looked at where everything is. */
const needsApproval = ({ spec: { planner, autonomy } }: Directive): boolean =>
  planner.approval ?? (planner.kind === 'agent' && autonomy === 'manual');

function requestApproval(
  draft: Draft,
  digest: string,
  count: number,
  rationale: string | undefined,
): void {
  const { id, spec, requester, generation: before, approvals } = draft.state;
  const generation = before + 1;
  const asked = [...approvals.values()].filter(
    ({ request }) => request.type === 'plan_review' && request.generation === generation,
  );
  const steps = count === 1 ? 'one step' : `${count} steps`;
  draft.emit({
    type: 'ApprovalRequested',
    data: {
      approvalId: approvalIdOf(runIdOf(id, generation, PLAN_STEP, asked.length + 1)),
      ...{ type: 'plan_review', step: PLAN_STEP, generation, confidence: null, digest, requester },
      summary: `a plan of ${steps}${rationale === undefined ? '' : `: ${rationale}`}`,
      reworkProposed: false,
      policy: spec.approvals ?? ApprovalPolicy.parse({}),
    },
  });
}

/** Another chain takes the place of the present one; what passed and is unchanged stays passed. */
function activate(
  draft: Draft,
  steps: readonly PlannedStep[],
  strategy: string,
  because?: string,
): void {
  const { generation, planning, spec } = draft.state;
  const data = { generation: generation + 1, strategy, steps: [...steps] };
  if (generation === 0 && spec.fork === undefined) {
    draft.emit({ type: 'ChainActivated', data });
    return advance(draft);
  }
  const changes = changesOf(draft.state.chain, steps);
  cancelActive(draft);
  voidApprovals(draft, `the chain of generation ${generation} was superseded`);
  const reason = because ?? planning?.reason;
  draft.emit({
    type: 'ChainActivated',
    data: { ...data, changes, ...(reason !== undefined && { reason }) },
  });
  advance(draft);
}

/** The run that plans has ended. News of another one changes nothing. */
export function notePlan({ ended, made }: PlannedBy, state: Directive): DirectiveEvent[] {
  const { planning } = state;
  const draft = new Draft(state, state.id);
  settle(draft, ended);
  const isDue = planning?.runId === ended.runId && state.submitted === null;
  if (!isDue || isFinal(state.status)) return draft.events;
  const found = soundPlan(state, { ended, made });
  if ('steps' in found) {
    const { rationale } = made as { rationale?: string };
    offerPlan(draft, found.steps, { strategy: 'agent', rationale, runId: ended.runId });
  } else returnPlan(draft, found.issues, ended.runId);
  return draft.events;
}

function soundPlan(
  state: Directive,
  { ended, made }: PlannedBy,
): { steps: readonly PlannedStep[] } | { issues: readonly Issue[] } {
  if (ended.result !== 'success' && ended.result !== 'skipped') {
    const message = ended.error?.message ?? `the run that plans ended as ${ended.result}`;
    return { issues: [{ code: 'planning_failed', message, path: '' }] };
  }
  if ('issues' in made) return made;
  const plan = planSteps(state, made.steps);
  if (!isRefusal(plan)) return plan;
  return plan.details as { issues: readonly Issue[] };
}

/** P1 */
export function returnPlan(draft: Draft, issues: readonly Issue[], runId?: string): void {
  const { planning, generation: before } = draft.state;
  const generation = before + 1;
  const attempt = planning?.attempt ?? 1;
  const rejected = { generation, attempt, issues: [...issues], ...(runId && { runId }) };
  draft.emit({ type: 'PlanRejected', data: rejected });
  if (planning?.runId === undefined) return;
  if (attempt <= MOST_RETURNS) {
    return askForPlan(draft, attempt + 1, { issues, reason: planning.reason });
  }
  const reason = `no plan after ${attempt} attempts: ${issues[0]?.message ?? 'it was empty'}`;
  fallBack(draft, generation, reason);
}

function fallBack(draft: Draft, generation: number, reason: string): void {
  const { spec } = draft.state;
  const chain = defaultChain(spec);
  const plan = 'issues' in chain ? undefined : planSteps(draft.state, chain.steps);
  if (plan === undefined || isRefusal(plan)) {
    const why = 'issues' in chain ? chain.issues[0]?.message : plan?.message;
    return giveUp(draft, `${reason}; and there is no chain to fall back to: ${why}`);
  }
  draft.emit({ type: 'PlanFellBack', data: { generation, reason } });
  offerPlan(draft, plan.steps, { strategy: 'default' });
}

/** P2: a chain that is there goes on. */
function giveUp(draft: Draft, reason: string): void {
  const { generation: before, planning } = draft.state;
  if (before === 0) {
    return draft.emit({ type: 'DirectiveFailed', data: { reason, failedSteps: [] } });
  }
  const issues = [{ code: 'no_plan', message: reason, path: '' }];
  const attempt = planning?.attempt ?? 1;
  const data = { generation: before + 1, attempt, issues, final: true };
  draft.emit({ type: 'PlanRejected', data });
  advance(draft);
}

/** What a person has said of the plan. */
export function resolvePlan(draft: Draft, decision: Decision, said: string): void {
  const { submitted } = draft.state;
  if (submitted === null) return;
  switch (decision) {
    case 'approve':
      return activate(draft, submitted.steps, submitted.strategy);
    case 'rework':
      return returnPlan(draft, [{ code: 'denied', message: said, path: '' }], submitted.runId);
    case 'deny':
      return giveUp(draft, `the plan was ${said}`);
  }
}
