/**
 * What a directive is at a point of its stream: folded from its events, nothing else. Deciding is
 * in `directive.ts`.
 */
import {
  finalStatuses,
  type CriterionResult,
  type Decision,
  type DirectiveEvent,
  type DirectiveEventData,
  type DirectiveStatus,
  type RecordedEvent,
  type StepRun,
  type StepStatus,
} from '@writ/contracts';
import { evolveApprovals, type Approvals } from './approvals';
import { Chain, type StepState } from './chain';
import { attempted } from './rework';

/** The first answer to a command, given again when the command comes again. */
export type FirstAnswer = { readonly verb: string } & (
  | { readonly version: number; readonly position: number }
  | { readonly refused: string; readonly message: string; readonly details?: unknown }
);

export interface Directive {
  readonly status: DirectiveStatus;
  /** Where `resume` goes to. */
  readonly pausedFrom: 'planning' | 'active' | null;
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
  readonly costUsd: number;
  /** Head of the directive's branch. */
  readonly commit: string | null;
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

export const isFinal = (status: DirectiveStatus): boolean => finalStatuses.includes(status);

/** Folds one event of a directive's stream. An event of a type it does not know is an error. */
export function evolveDirective(state: DirectiveState, recorded: RecordedEvent): DirectiveState {
  const event = recorded as unknown as DirectiveEvent;
  const next =
    event.type === 'DirectiveCreated'
      ? created(recorded, event.data)
      : apply(existing(state, recorded), event, recorded.recordedAt);
  return {
    ...next,
    version: recorded.version,
    position: recorded.position,
    answers: remember(next.answers, event, recorded),
  };
}

function existing(state: DirectiveState, recorded: RecordedEvent): Directive {
  if (state.status !== 'absent') return state;
  throw new Error(`${recorded.stream} begins with ${recorded.type}, not with DirectiveCreated`);
}

function created(recorded: RecordedEvent, spec: DirectiveEventData<'DirectiveCreated'>): Directive {
  return {
    status: 'draft',
    pausedFrom: null,
    reason: null,
    id: recorded.stream.slice(recorded.stream.indexOf('-') + 1),
    spec,
    generation: 0,
    workspace: null,
    chain: Chain.planned([], recorded.recordedAt),
    criteria: [],
    approvals: new Map(),
    requester: recorded.metadata.actor.id,
    costUsd: 0,
    commit: null,
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
  DirectiveCreated: 'create',
  DirectiveStarted: 'start',
  DirectivePaused: 'pause',
  DirectiveResumed: 'resume',
  DirectiveStopped: 'stop',
  DirectiveArchived: 'archive',
};

const verbOfVote = (decision: Decision) => (decision === 'approve' ? 'approve' : 'deny');

/** Only commands that people send are remembered: reactions are repeated by state, not by id. */
function remember(
  answers: Directive['answers'],
  event: DirectiveEvent,
  { metadata, version, position }: RecordedEvent,
): Directive['answers'] {
  const { commandId } = metadata;
  if (event.type === 'CommandRefused') {
    const { verb, code, message, details } = event.data;
    return new Map(answers).set(commandId, { verb, refused: code, message, details });
  }
  // What a command leads to belongs to its answer; the first of its events says which verb it was.
  const said =
    event.type === 'ApprovalVoted' ? verbOfVote(event.data.decision) : verbOf[event.type];
  const verb = answers.get(commandId)?.verb ?? said;
  if (verb === undefined) return answers;
  return new Map(answers).set(commandId, { verb, version, position });
}

function apply(state: Directive, event: DirectiveEvent, at: string): Directive {
  switch (event.type) {
    case 'DirectiveCreated':
      throw new Error(`directive ${state.id} is created twice`);
    case 'DirectiveStarted':
      return { ...state, status: 'planning', startedAt: at, movingSince: at };
    case 'WorkspaceReady':
      return { ...state, workspace: event.data, commit: event.data.baseCommit ?? null };
    case 'ChainActivated':
      return {
        ...state,
        status: state.status === 'paused' ? 'paused' : 'active',
        pausedFrom: state.status === 'paused' ? 'active' : null,
        generation: event.data.generation,
        chain: Chain.planned(event.data.steps, at),
      };
    case 'DirectivePaused': {
      const pausedFrom = state.status === 'planning' ? 'planning' : 'active';
      const reason = event.data.reason ?? null;
      return { ...state, status: 'paused', pausedFrom, reason, movingSince: null };
    }
    case 'DirectiveResumed': {
      const status = state.pausedFrom ?? 'active';
      return { ...state, status, pausedFrom: null, reason: null, movingSince: at };
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
    case 'ApprovalEscalated':
    case 'ApprovalResolved':
    case 'ApprovalVoided':
      return { ...state, approvals: evolveApprovals(state.approvals, event, at) };
    case 'ApprovalRequested': {
      const approvals = evolveApprovals(state.approvals, event, at);
      return applyToStep({ ...state, approvals }, event, at);
    }
    default:
      return applyToStep(state, event, at);
  }
}

/** What can no longer happen is cancelled; that needs no event of its own. */
function ended(state: Directive, status: DirectiveStatus, at: string): Directive {
  const over: readonly StepStatus[] = ['passed', 'failed', 'blocked', 'cancelled'];
  const chain = state.chain.map((step) =>
    over.includes(step.status) ? step : { ...step, status: 'cancelled', since: at },
  );
  return { ...state, status, pausedFrom: null, movingSince: null, chain, completedAt: at };
}

type StepEvent = Extract<DirectiveEvent, { data: { step: string } }>;

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
    commit: passedCommit ?? state.commit,
    costUsd: state.costUsd + costOf(event),
  };
}

/** A run's cost counts once, when its step leaves it behind. */
export function costOf(event: DirectiveEvent): number {
  const leaves = ['StepPassed', 'StepFailed', 'StepBlocked', 'StepReworkRequested'];
  if (!leaves.includes(event.type)) return 0;
  return (event.data as { run?: StepRun }).run?.usage?.costUsd ?? 0;
}

function stepAfter(step: StepState, event: StepEvent, at: string): StepState {
  const since = { since: at };
  switch (event.type) {
    case 'StepStarted': {
      const { runId, attempt } = event.data;
      const startedAt = step.startedAt ?? at;
      return { ...step, ...since, status: 'running', runId, attempt, startedAt, run: null };
    }
    case 'StepEvaluating':
      return { ...step, ...since, status: 'evaluating', run: event.data.run };
    case 'StepMerging': {
      const { run, confidence } = event.data;
      return { ...step, ...since, status: 'merging', run, confidence };
    }
    case 'StepPassed': {
      const { run, confidence, commit } = event.data;
      const end = { run, confidence, commit: commit ?? null, completedAt: at };
      return { ...step, ...since, ...end, status: 'passed' };
    }
    case 'StepFailed': {
      const { run, confidence, failure } = event.data;
      return { ...step, ...since, run, confidence, failure, completedAt: at, status: 'failed' };
    }
    case 'ApprovalRequested': {
      const { run, confidence } = event.data;
      return { ...step, ...since, status: 'awaiting_approval', run, confidence };
    }
    case 'StepReworkRequested': {
      const { run, confidence, rework } = event.data;
      const sentBack = [...step.sentBack, attempted(run, confidence, !rework.continues)];
      return { ...step, ...since, status: 'rework', run, confidence, rework, sentBack };
    }
    case 'StepBlocked': {
      const { because, run = step.run, confidence = step.confidence, failure = null } = event.data;
      const end = failure === null ? {} : { completedAt: at };
      const blocked = { run, confidence, failure, blockedBy: because };
      return { ...step, ...since, ...blocked, ...end, status: 'blocked' };
    }
    case 'StepCancelled':
      return { ...step, ...since, status: 'cancelled', completedAt: at };
    default:
      throw new Error(`${(event as { type: string }).type} is no event of a step`);
  }
}
