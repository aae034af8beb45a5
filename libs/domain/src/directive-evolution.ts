/**
 * The state of a directive, folded from its events and nothing else. Owns its life and the memory of its
 * commands; what becomes of the chain is in `chain-evolution.ts`.
 */
import type {
  DirectiveEvent,
  DirectiveEventData,
  DirectiveStatus,
  RecordedEvent,
  StepStatus,
} from '@writ/contracts';
import { evolveApprovals } from './approvals';
import { emptyLedger, ledgerAfter } from './budget';
import { Chain } from './chain';
import { chainAfter } from './chain-evolution';
import type { Directive, DirectiveState } from './directive-state';
import { keptChain } from './fork';
import { withEntry } from './growing-map';
import { inPhase, halted } from './phase';
import { breakerAfter, closedBreaker } from './provider-breaker';
import { afterRollback } from './rollback';

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
    case 'PlanFellBack':
    case 'BudgetMarked':
    case 'BudgetSettled':
      return state;
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
      return chainAfter({ ...state, approvals }, event, at);
    }
    default:
      return chainAfter(state, event, at);
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

const noted = (state: Directive): Directive => ({
  ...state,
  workspaceNoted: state.workspaceNoted + 1,
});
