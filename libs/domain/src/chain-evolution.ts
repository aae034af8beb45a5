/** What becomes of a directive's chain, and of the plan that comes before it, by its events. */
import type { DirectiveEvent, DirectiveEventData } from '@writ/contracts';
import { Chain, type StepState } from './chain';
import { isFinal, type Directive } from './directive-state';
import { inPhase, nothingPlanned } from './phase';
import { reopened, stepAfter, type StepEvent } from './step-evolution';

/** All that is about a chain or a step. */
export type ChainEvent = StepEvent | ChainEdit | PlanEvent;

type PlanEvent = Extract<
  DirectiveEvent,
  {
    type: 'ChainActivated' | 'PlanningStarted' | 'PlanSubmitted' | 'PlanRejected' | 'RunOrphaned';
  }
>;

export function chainAfter(state: Directive, event: ChainEvent, at: string): Directive {
  switch (event.type) {
    case 'ChainActivated':
      return activated(state, event.data, at);
    case 'PlanningStarted': {
      const plan = state.plan ?? [...state.chain].map(({ spec }) => spec);
      const planning = { ...event.data, since: at };
      return { ...inPhase(state, 'planning'), plan, planning, submitted: null };
    }
    case 'PlanSubmitted':
      return { ...state, submitted: event.data };
    case 'PlanRejected': {
      if (event.data.final === true) return { ...inPhase(state, 'active'), ...nothingPlanned };
      const { generation, attempt } = event.data;
      const planning = state.planning ?? { generation, attempt, since: at };
      return { ...inPhase(state, 'planning'), planning, submitted: null };
    }
    case 'StepAdded':
    case 'StepUpdated':
    case 'StepRemoved':
      return edited(state, event, at);
    case 'RunOrphaned': {
      const ending = new Map(state.ending);
      ending.delete(event.data.runId);
      return { ...state, ending };
    }
    default:
      return applyToStep(state, event, at);
  }
}

function activated(
  state: Directive,
  { generation, steps, changes }: DirectiveEventData<'ChainActivated'>,
  at: string,
): Directive {
  const kept = new Map<string, StepState>();
  for (const name of changes?.kept ?? []) {
    const step = state.chain.get(name);
    if (step !== undefined) kept.set(name, step);
  }
  const chain = Chain.planned(steps, at, kept);
  return { ...inPhase(state, 'active'), ...nothingPlanned, generation, chain };
}

type ChainEdit = Extract<
  DirectiveEvent,
  { type: 'StepAdded' } | { type: 'StepUpdated' } | { type: 'StepRemoved' }
>;

/** With one step more, less, or another one in its place; all others stay as they are. */
function edited(state: Directive, event: ChainEdit, at: string): Directive {
  const name = event.type === 'StepRemoved' ? event.data.step : event.data.spec.name;
  const specs = [...(state.plan ?? [...state.chain].map(({ spec }) => spec))];
  const place = specs.findIndex((spec) => spec.name === name);
  if (event.type === 'StepRemoved') specs.splice(place, 1);
  else if (place < 0) specs.push(event.data.spec);
  else specs[place] = event.data.spec;
  if (state.plan !== null) return { ...state, plan: specs };
  const known = new Map([...state.chain].map((step) => [step.spec.name, step]));
  const before = known.get(name);
  // Its attempts go on being counted: a run's id names its attempt.
  if (before !== undefined) known.set(name, reopened(before, 'pending', at));
  return { ...state, chain: Chain.planned(specs, at, known) };
}

function applyToStep(state: Directive, event: StepEvent, at: string): Directive {
  const { step: name } = event.data as { step?: string };
  const before = name === undefined ? undefined : state.chain.get(name);
  if (before === undefined) {
    throw new Error(`directive ${state.id} cannot take ${event.type} of ${name ?? 'no step'}`);
  }
  const chain = state.chain.with(stepAfter(before, event, at));
  const passedCommit = event.type === 'StepPassed' ? event.data.commit : undefined;
  return {
    ...state,
    chain,
    ending: endingAfter(state, before, event),
    commit: passedCommit ?? state.commit,
    merged:
      passedCommit === undefined
        ? state.merged
        : [...state.merged, { step: name!, commit: passedCommit }],
    workspaceNoted: state.workspaceNoted + Number(isOfMerge(event)),
  };
}

function endingAfter(
  { ending, generation, status }: Directive,
  step: StepState,
  { type, data }: StepEvent,
): Directive['ending'] {
  if (type !== 'StepCancelled' || step.status !== 'running' || isFinal(status)) return ending;
  return new Map(ending).set(data.runId, { step, generation });
}

/** It follows from an event of the workspace. */
function isOfMerge(event: StepEvent): boolean {
  switch (event.type) {
    case 'StepPassed':
      return event.data.commit !== undefined;
    case 'StepFailed':
      return event.data.failure.kind === 'merge_conflict';
    case 'StepReworkRequested':
      return !event.data.rework.continues;
    default:
      return false;
  }
}
