/**
 * What a directive is at a point of its stream: folded from its events, nothing else. Deciding is
 * in `directive.ts`.
 */
import {
  finalStatuses,
  type CriterionResult,
  type DirectiveEvent,
  type DirectiveEventData,
  type DirectiveStatus,
  type PlannedStep,
  type RecordedEvent,
  type StepStatus,
} from '@writ/contracts';
import { evolveApprovals, type Approvals } from './approvals';
import { emptyLedger, ledgerAfter, type Ledger } from './budget';
import { Chain, type StepState } from './chain';
import { keptChain } from './fork';
import { withEntry } from './growing-map';
import { breakerAfter, closedBreaker, type Breaker } from './provider-breaker';
import { afterRollback, type Merge } from './rollback';
import { reopened, stepAfter, type StepEvent } from './step-evolution';

/** The first answer to a command, given again when the command comes again. */
export type FirstAnswer = { readonly verb: string } & (
  | { readonly version: number; readonly position: number }
  | { readonly refused: string; readonly message: string; readonly details?: unknown }
);

/** Why it does not go on by itself, and how it can. */
export type Suspension = DirectiveEventData<'DirectiveSuspended'> & { readonly since: string };

/** As it ran, so that it can be asked for its end. */
export interface EndingRun {
  readonly step: StepState;
  readonly generation: number;
}

export interface Directive {
  readonly status: DirectiveStatus;
  readonly suspension: Suspension | null;
  /** Where `resume` goes to. */
  readonly pausedFrom: 'planning' | 'awaiting_approval' | 'active' | null;
  readonly reason: string | null;
  readonly id: string;
  readonly spec: DirectiveEventData<'DirectiveCreated'>;
  readonly generation: number;
  readonly workspace: DirectiveEventData<'WorkspaceReady'> | null;
  readonly chain: Chain;
  readonly criteria: readonly CriterionResult[];
  readonly approvals: Approvals;
  /** Who submitted it. */
  readonly requester: string;
  readonly ledger: Ledger;
  readonly breaker: Breaker;
  /** Head of the directive's branch. */
  readonly commit: string | null;
  /** How many events of its workspace's stream have been noted, at least. */
  readonly workspaceNoted: number;
  /**
   * Runs that were cancelled while the directive went on, and whose end is not known yet: until it is,
   * their steps do not start anew.
   */
  readonly ending: ReadonlyMap<string, EndingRun>;
  /** What its branch is made of, in the order of the merges. */
  readonly merged: readonly Merge[];
  /** Under way. */
  readonly rollback: DirectiveEventData<'RollbackStarted'> | null;
  /** The steps of what is being planned; null while a chain is carried out. */
  readonly plan: readonly PlannedStep[] | null;
  /** Since a plan is due, and how it comes. */
  readonly planning: (DirectiveEventData<'PlanningStarted'> & { readonly since: string }) | null;
  /** The plan that waits for a person. */
  readonly submitted: DirectiveEventData<'PlanSubmitted'> | null;
  /** By command id, which is whatever its sender chose: never a key of an object. */
  readonly answers: ReadonlyMap<string, FirstAnswer>;
  /** Of its creation; all that follows belongs to the same trace. */
  readonly traceparent: string | undefined;
  readonly createdAt: string;
  readonly startedAt: string | null;
  /** Since when it goes on without a pause: its start, or its latest resume. */
  readonly movingSince: string | null;
  readonly completedAt: string | null;
  readonly version: number;
  readonly position: number;
}

export interface Absent {
  readonly status: 'absent';
}

export type DirectiveState = Absent | Directive;

/** How many events of its workspace's stream it has noted, when they are noted in their order. */
export const notedOfWorkspace = (state: DirectiveState): number =>
  state.status === 'absent' ? 0 : state.workspaceNoted;

export const isFinal = (status: DirectiveStatus): boolean => finalStatuses.includes(status);

/** Folds one event of a directive's stream. An event of a type it does not know is an error. */
export function evolveDirective(state: DirectiveState, recorded: RecordedEvent): DirectiveState {
  const event = recorded as unknown as DirectiveEvent;
  const next =
    event.type === 'DirectiveCreated'
      ? created(recorded, event.data)
      : apply(existing(state, recorded), event, recorded.recordedAt);
  // Written into what was just made: to copy all members once more would be a good part of a fold.
  const after: Mutable<Directive> = next === state ? { ...next } : next;
  after.version = recorded.version;
  after.position = recorded.position;
  after.answers = remember(next.answers, event, recorded);
  if (state.status !== 'absent') after.breaker = breakerAfter(state, event, next.chain);
  after.ledger = ledgerAfter(next.ledger, event, next.spec.limits);
  return after;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function existing(state: DirectiveState, recorded: RecordedEvent): Directive {
  if (state.status !== 'absent') return state;
  throw new Error(`${recorded.stream} begins with ${recorded.type}, not with DirectiveCreated`);
}

function created(recorded: RecordedEvent, spec: DirectiveEventData<'DirectiveCreated'>): Directive {
  const at = recorded.recordedAt;
  return {
    status: 'draft',
    suspension: null,
    pausedFrom: null,
    reason: null,
    id: recorded.stream.slice(recorded.stream.indexOf('-') + 1),
    spec,
    generation: 0,
    workspace: null,
    chain: keptChain(spec, (kept) => Chain.planned(kept, at), at),
    criteria: [],
    approvals: new Map(),
    requester: recorded.metadata.actor.id,
    ledger: emptyLedger,
    breaker: closedBreaker,
    commit: null,
    workspaceNoted: 0,
    ending: new Map(),
    merged: [],
    rollback: null,
    plan: spec.steps,
    planning: null,
    submitted: null,
    answers: new Map(),
    traceparent: recorded.metadata.traceparent,
    createdAt: recorded.recordedAt,
    startedAt: null,
    movingSince: null,
    completedAt: null,
    version: recorded.version,
    position: recorded.position,
  };
}

const verbOf: Readonly<Record<string, string>> = {
  DirectiveStarted: 'start',
  DirectivePaused: 'pause',
  DirectiveResumed: 'resume',
  DirectiveStopped: 'stop',
  DirectiveArchived: 'archive',
  DirectiveAmended: 'amend',
  LimitsRaised: 'raise-limit',
  ChainActivated: 'replan',
  StepAdded: 'add-step',
  StepUpdated: 'update-step',
  StepRemoved: 'remove-step',
  StepSkipped: 'skip-step',
  StepReopened: 'retry-step',
  PlanningStarted: 'replan',
  RollbackStarted: 'rollback',
  RolledBack: 'rollback',
  ApprovalQuestionAsked: 'ask',
  ApprovalQuestionAnswered: 'answer',
};

function verbSaidBy(event: DirectiveEvent): string | undefined {
  switch (event.type) {
    case 'ApprovalVoted':
      return event.data.decision === 'approve' ? 'approve' : 'deny';
    case 'DirectiveCreated':
      return event.data.fork === undefined ? 'create' : 'fork';
    case 'PlanSubmitted':
      return event.data.strategy === 'agent' ? 'submit-plan' : 'replan';
    default:
      return verbOf[event.type];
  }
}

/** Only commands that people send are remembered: reactions are repeated by state, not by id. */
function remember(
  answers: Directive['answers'],
  event: DirectiveEvent,
  { metadata, version, position }: RecordedEvent,
): Directive['answers'] {
  const { commandId } = metadata;
  if (event.type === 'CommandRefused') {
    const { verb, code, message, details } = event.data;
    return withEntry(answers, commandId, { verb, refused: code, message, details });
  }
  // What a command leads to belongs to its answer; the first of its events says which verb it was.
  const said = verbSaidBy(event);
  const verb = answers.get(commandId)?.verb ?? said;
  if (verb === undefined) return answers;
  return withEntry(answers, commandId, { verb, version, position });
}

function apply(state: Directive, event: DirectiveEvent, at: string): Directive {
  switch (event.type) {
    case 'DirectiveCreated':
      throw new Error(`directive ${state.id} is created twice`);
    case 'DirectiveStarted':
      return { ...state, status: 'planning', startedAt: at, movingSince: at };
    case 'WorkspaceReady':
      return { ...noted(state), workspace: event.data, commit: event.data.baseCommit ?? null };
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
    case 'PlanFellBack':
    case 'BudgetMarked':
    case 'BudgetSettled':
      return state;
    case 'StepAdded':
    case 'StepUpdated':
    case 'StepRemoved':
      return edited(state, event, at);
    case 'RunOrphaned': {
      const ending = new Map(state.ending);
      ending.delete(event.data.runId);
      return { ...state, ending };
    }
    case 'RollbackStarted':
      return { ...state, rollback: event.data };
    case 'RolledBack':
    case 'RollbackRefused':
      return afterRollback(state, event);
    case 'DirectivePaused':
      return { ...halted(state, 'paused'), reason: event.data.reason ?? null };
    case 'DirectiveSuspended': {
      const suspension = { ...event.data, since: at };
      return { ...halted(state, 'suspended'), suspension, reason: event.data.reason };
    }
    case 'DirectiveResumed': {
      const status = state.pausedFrom ?? 'active';
      const moving = { pausedFrom: null, reason: null, suspension: null, movingSince: at };
      return { ...state, ...moving, status };
    }
    case 'DirectiveAmended': {
      const { limits, ...set } = event.data.set;
      const amended = { ...state.spec, ...set };
      return { ...state, spec: { ...amended, limits: { ...state.spec.limits, ...limits } } };
    }
    case 'LimitsRaised': {
      const limits = { ...state.spec.limits, ...event.data.limits };
      return { ...state, spec: { ...state.spec, limits } };
    }
    case 'DirectiveStopped':
      return { ...ended(state, 'stopped', at), reason: event.data.reason ?? null };
    case 'DirectiveFailed':
      return { ...ended(state, 'failed', at), reason: event.data.reason };
    case 'DirectiveCompleted':
      return { ...ended(state, 'completed', at), criteria: event.data.criteria };
    case 'DirectiveArchived':
      return { ...state, status: 'archived' };
    case 'CommandRefused':
      return state;
    case 'ApprovalVoted':
    case 'ApprovalQuestionAsked':
    case 'ApprovalQuestionAnswered':
    case 'ApprovalEscalated':
    case 'ApprovalResolved':
    case 'ApprovalVoided':
      return { ...state, approvals: evolveApprovals(state.approvals, event, at) };
    case 'ApprovalRequested': {
      const approvals = evolveApprovals(state.approvals, event, at);
      if (event.data.type === 'plan_review') {
        return { ...inPhase(state, 'awaiting_approval'), approvals };
      }
      return applyToStep({ ...state, approvals }, event, at);
    }
    default:
      return applyToStep(state, event, at);
  }
}

/** What can no longer happen is cancelled; that needs no event of its own. */
function ended(state: Directive, status: DirectiveStatus, at: string): Directive {
  const over: readonly StepStatus[] = ['passed', 'skipped', 'failed', 'blocked', 'cancelled'];
  const chain = state.chain.map((step) =>
    over.includes(step.status) ? step : { ...step, status: 'cancelled', since: at },
  );
  const still = { pausedFrom: null, movingSince: null, suspension: null, completedAt: at };
  return { ...state, ...still, status, chain };
}

const nothingPlanned = { plan: null, planning: null, submitted: null };

type Phase = NonNullable<Directive['pausedFrom']>;
const phases: readonly string[] = ['planning', 'awaiting_approval'] satisfies Phase[];

/** It comes into a phase of its life, and stays paused or suspended where it is so. */
const inPhase = (state: Directive, phase: Phase): Directive =>
  isHalted(state) ? { ...state, pausedFrom: phase } : { ...state, status: phase };

/** It starts nothing until it is resumed. */
function halted(state: Directive, status: 'paused' | 'suspended'): Directive {
  const phase = phases.includes(state.status) ? (state.status as Phase) : 'active';
  const from = state.pausedFrom ?? phase;
  return { ...state, status, pausedFrom: from, suspension: null, movingSince: null };
}

const isHalted = ({ status }: Directive): boolean => status === 'paused' || status === 'suspended';

const noted = (state: Directive): Directive => ({
  ...state,
  workspaceNoted: state.workspaceNoted + 1,
});

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
