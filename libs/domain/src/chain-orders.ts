/** Orders that change the chain: another one, or a step more, less, or in the place of another. */
import { isRefusal, type PlannedStep, type Refusal } from '@writ/contracts';
import { isActive, type StepState } from './chain';
import type { DirectiveOrder } from './directive-command';
import type { Draft } from './directive-draft';
import { goOnIfFree } from './life-orders';
import { askForPlan, offerPlan } from './directive-planning';
import { planSteps } from './plan-change';
import { illegalOf, reopenBlocked, stepNamed } from './step-orders';

type Order<V> = Extract<DirectiveOrder, { type: V }>;

export function replan(draft: Draft, { chain, reason }: Order<'replan'>): Refusal | void {
  const { limits } = draft.state.spec;
  // A first chain is no regeneration.
  if (draft.state.generation > limits.maxChainRegenerations) {
    const message = `it was replanned maxChainRegenerations (${limits.maxChainRegenerations}) times; raise-limit allows more`;
    return { refused: 'not_allowed', message, details: { limit: 'maxChainRegenerations' } };
  }
  const { planner } = draft.state.spec;
  if (chain === undefined) {
    if (planner.kind === 'agent') return askForPlan(draft, 1, { reason });
    const message = `the planner of this directive (${planner.kind}) makes no other plan; name a chain`;
    return { refused: 'malformed', message };
  }
  const plan = planSteps(draft.state, chain.steps);
  if (isRefusal(plan)) return plan;
  offerPlan(draft, plan.steps, { strategy: 'explicit', reason });
}

/** Whole, or as it was built step by step. */
export function submitPlan(draft: Draft, order: Order<'submit-plan'>): Refusal | void {
  const { chain, rationale } = order;
  const { planning, plan: built } = draft.state;
  if (planning === null) {
    const message = 'no plan is asked for: the directive has one, and begins with its workspace';
    return { refused: 'illegal_transition', message };
  }
  if (planning.runId !== undefined) {
    const message = `run ${planning.runId} makes the plan; wait for it`;
    return { refused: 'illegal_transition', message, details: { runId: planning.runId } };
  }
  const plan =
    chain === undefined
      ? planSteps(draft.state, [], () => built ?? [])
      : planSteps(draft.state, chain.steps);
  if (isRefusal(plan)) return plan;
  offerPlan(draft, plan.steps, { strategy: 'agent', rationale });
}

export function addStep(draft: Draft, { step }: Order<'add-step'>): Refusal | void {
  const specs = present(draft);
  if (specs.some(({ name }) => name === step.name)) {
    const message = `there is a step "${step.name}" already; update-step changes it`;
    return { refused: 'already_exists', message };
  }
  const plan = planSteps(draft.state, [step], (added) => [...specs, ...added], isDraft(draft));
  if (isRefusal(plan)) return plan;
  draft.emit({ type: 'StepAdded', data: { spec: plan.steps.at(-1)! } });
  goOnIfFree(draft);
}

export function updateStep(draft: Draft, { step }: Order<'update-step'>): Refusal | void {
  const specs = present(draft);
  const place = specs.findIndex(({ name }) => name === step.name);
  const before = notBegun(draft, step.name, place, 'update-step');
  if (isRefusal(before)) return before;
  const arrange = ([changed]: readonly PlannedStep[]) =>
    specs.map((spec, at) => (at === place && changed !== undefined ? changed : spec));
  const plan = planSteps(draft.state, [step], arrange, isDraft(draft));
  if (isRefusal(plan)) return plan;
  draft.emit({ type: 'StepUpdated', data: { spec: plan.steps[place]! } });
  if (before === undefined) return;
  reopenBlocked(draft, step.name);
  goOnIfFree(draft);
}

export function removeStep(draft: Draft, { step: name }: Order<'remove-step'>): Refusal | void {
  const specs = present(draft);
  const place = specs.findIndex((spec) => spec.name === name);
  const before = notBegun(draft, name, place, 'remove-step');
  if (isRefusal(before)) return before;
  if (before !== undefined && before.attempt > 0) {
    const message = `step ${name} has run already; skip-step passes over it`;
    return { refused: 'illegal_transition', message };
  }
  const plan = planSteps(
    draft.state,
    [],
    () => specs.filter((_, at) => at !== place),
    isDraft(draft),
  );
  if (isRefusal(plan)) return plan;
  draft.emit({ type: 'StepRemoved', data: { step: name } });
  goOnIfFree(draft);
}

/** The steps of what is planned, or of what is carried out. */
const present = ({ state: { plan, chain } }: Draft): readonly PlannedStep[] =>
  plan ?? [...chain].map(({ spec }) => spec);

/** A plan that is built step by step is sound only in the end. */
const isDraft = ({ state: { plan } }: Draft): boolean => plan !== null;

/** The step, when it may change; undefined for one that is only planned. */
function notBegun(
  draft: Draft,
  name: string,
  place: number,
  verb: string,
): StepState | Refusal | undefined {
  if (draft.state.plan !== null) {
    if (place >= 0) return undefined;
    return { refused: 'not_found', message: `the plan has no step "${name}"` };
  }
  const step = stepNamed(draft, name);
  if (isRefusal(step)) return step;
  if (isActive(step)) return illegalOf(step, verb, ['pending']);
  const legal = ['pending', 'stale', 'rework', 'failed', 'blocked'] as const;
  return illegalOf(step, verb, legal) ?? step;
}
