/**
 * What a directive is at a point of its stream: folded from its events, nothing else. Deciding is
 * in `directive.ts`.
 */
import {
  finalStatuses,
  type Confidence,
  type CriterionResult,
  type DirectiveEvent,
  type DirectiveEventData,
  type DirectiveStatus,
  type PlannedStep,
  type RecordedEvent,
  type StepFailure,
  type StepRun,
  type StepStatus,
} from '@writ/contracts';

export interface StepState {
  readonly spec: PlannedStep;
  readonly status: StepStatus;
  readonly attempt: number;
  readonly runId: string | null;
  /** Of its latest run, once that has ended. */
  readonly run: StepRun | null;
  readonly confidence: Confidence | null;
  readonly failure: StepFailure | null;
  readonly blockedBy: string | null;
  readonly commit: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  /** When it came into its present status. */
  readonly since: string;
}

/** The first answer to a command, given again when the command comes again. */
export type FirstAnswer =
  | { readonly version: number; readonly position: number }
  | { readonly refused: string; readonly message: string; readonly details?: unknown };

export interface Directive {
  readonly status: DirectiveStatus;
  /** Where `resume` goes to. */
  readonly pausedFrom: 'planning' | 'active' | null;
  readonly reason: string | null;
  readonly id: string;
  readonly spec: DirectiveEventData<'DirectiveCreated'>;
  readonly generation: number;
  readonly workspace: DirectiveEventData<'WorkspaceReady'> | null;
  /** In the order of the chain. */
  readonly steps: Readonly<Record<string, StepState>>;
  readonly criteria: readonly CriterionResult[];
  readonly costUsd: number;
  /** Head of the directive's branch. */
  readonly commit: string | null;
  readonly answers: Readonly<Record<string, FirstAnswer>>;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly version: number;
  readonly position: number;
}

export interface Absent {
  readonly status: 'absent';
}

export type DirectiveState = Absent | Directive;

export const isFinal = (status: DirectiveStatus): boolean => finalStatuses.includes(status);

const activeStatuses: readonly StepStatus[] = ['running', 'evaluating', 'merging'];
export const isActive = (step: StepState): boolean => activeStatuses.includes(step.status);

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
    steps: {},
    criteria: [],
    costUsd: 0,
    commit: null,
    answers: {},
    createdAt: recorded.recordedAt,
    startedAt: null,
    completedAt: null,
    version: recorded.version,
    position: recorded.position,
  };
}

const commandEvents: ReadonlySet<string> = new Set([
  'DirectiveCreated',
  'DirectiveStarted',
  'DirectivePaused',
  'DirectiveResumed',
  'DirectiveStopped',
  'DirectiveArchived',
]);

/** Only commands that people send are remembered: reactions are repeated by state, not by id. */
function remember(
  answers: Directive['answers'],
  event: DirectiveEvent,
  { metadata, version, position }: RecordedEvent,
): Directive['answers'] {
  if (event.type === 'CommandRefused') {
    const { code, message, details } = event.data;
    return { ...answers, [metadata.commandId]: { refused: code, message, details } };
  }
  const known = answers[metadata.commandId] !== undefined;
  if (!known && !commandEvents.has(event.type)) return answers;
  return { ...answers, [metadata.commandId]: { version, position } };
}

function apply(state: Directive, event: DirectiveEvent, at: string): Directive {
  switch (event.type) {
    case 'DirectiveCreated':
      throw new Error(`directive ${state.id} is created twice`);
    case 'DirectiveStarted':
      return { ...state, status: 'planning', startedAt: at };
    case 'WorkspaceReady':
      return { ...state, workspace: event.data, commit: event.data.baseCommit ?? null };
    case 'ChainActivated':
      return {
        ...state,
        status: state.status === 'paused' ? 'paused' : 'active',
        pausedFrom: state.status === 'paused' ? 'active' : null,
        generation: event.data.generation,
        steps: Object.fromEntries(event.data.steps.map((spec) => [spec.name, planned(spec, at)])),
      };
    case 'DirectivePaused': {
      const pausedFrom = state.status === 'planning' ? 'planning' : 'active';
      return { ...state, status: 'paused', pausedFrom, reason: event.data.reason ?? null };
    }
    case 'DirectiveResumed':
      return { ...state, status: state.pausedFrom ?? 'active', pausedFrom: null, reason: null };
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
    default:
      return applyToStep(state, event, at);
  }
}

/** What can no longer happen is cancelled; that needs no event of its own. */
function ended(state: Directive, status: DirectiveStatus, at: string): Directive {
  const over: readonly StepStatus[] = ['passed', 'failed', 'blocked', 'cancelled'];
  const steps = Object.fromEntries(
    Object.entries(state.steps).map(([name, step]) => [
      name,
      over.includes(step.status) ? step : { ...step, status: 'cancelled' as const, since: at },
    ]),
  );
  return { ...state, status, pausedFrom: null, steps, completedAt: at };
}

type StepEvent = Extract<DirectiveEvent, { data: { step: string } }>;

function applyToStep(state: Directive, event: StepEvent, at: string): Directive {
  const before = state.steps[event.data.step];
  if (before === undefined) throw new Error(`directive ${state.id} has no ${event.data.step}`);
  const steps = { ...state.steps, [event.data.step]: stepAfter(before, event, at) };
  const passedCommit = event.type === 'StepPassed' ? event.data.commit : undefined;
  return {
    ...state,
    steps,
    commit: passedCommit ?? state.commit,
    costUsd: state.costUsd + costOf(event),
  };
}

/** A run's cost counts once, when its step leaves it behind. */
export function costOf(event: DirectiveEvent): number {
  if (event.type !== 'StepPassed' && event.type !== 'StepFailed') return 0;
  return event.data.run.usage?.costUsd ?? 0;
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
    case 'StepBlocked':
      return { ...step, ...since, status: 'blocked', blockedBy: event.data.because };
    case 'StepCancelled':
      return { ...step, ...since, status: 'cancelled', completedAt: at };
  }
}

function planned(spec: PlannedStep, at: string): StepState {
  return {
    spec,
    status: 'pending',
    attempt: 0,
    runId: null,
    run: null,
    confidence: null,
    failure: null,
    blockedBy: null,
    commit: null,
    startedAt: null,
    completedAt: null,
    since: at,
  };
}
