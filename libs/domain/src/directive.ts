/**
 * The directive aggregate: what a command makes happen. Owns the legal transitions and that a command
 * takes effect once; how steps go on is in `directive-progress.ts`, what follows from an event in
 * `directive-state.ts`, what work is due in `directive-work.ts`.
 */
import {
  type DirectiveEvent,
  type DirectiveStatus,
  type LifeVerb,
  type EvaluationCompleted,
  type RefusalCode,
  type PlannedStep,
  type Refusal,
  type RunEnded,
  type DirectiveFile,
  type WorkspaceEvent,
} from '@writ/contracts';
import type { Decider } from './decider';
import { Draft } from './directive-draft';
import { activateIfPrepared, advance, cancelActive, voidApprovals } from './directive-advance';
import { noteEvaluation, noteRuns, noteTime, noteWorkspace } from './directive-progress';
import { noteDeadline, noteVote, type CastVote } from './directive-votes';
import { evolveDirective, type Directive, type DirectiveState } from './directive-state';

export type DirectiveCommand =
  | {
      readonly type: 'create';
      readonly commandId: string;
      readonly directiveId: string;
      /** Variables replaced, chain checked: see `planExplicit`. */
      readonly directive: DirectiveFile;
      readonly steps: readonly PlannedStep[];
      readonly contentDigest: string;
      readonly start: boolean;
    }
  | {
      readonly type: LifeVerb;
      readonly commandId: string;
      readonly reason?: string;
    }
  | { readonly type: 'note-workspace'; readonly event: WorkspaceEvent }
  | { readonly type: 'note-runs'; readonly ends: readonly RunEnded[] }
  | ({ readonly type: 'vote' } & CastVote)
  | { readonly type: 'note-deadline'; readonly now: string }
  | { readonly type: 'note-evaluation'; readonly evaluation: EvaluationCompleted }
  | {
      readonly type: 'note-time';
      /** The database's. */
      readonly now: string;
      /** `movingSince` of the directive of which it is said, as the log has recorded it. */
      readonly since: string;
    };

export const directiveDecider: Decider<DirectiveState, DirectiveCommand, DirectiveEvent> = {
  initial: { status: 'absent' },
  decide,
  evolve: evolveDirective,
};

/** From which states each verb leads on. */
export const legalFrom: Readonly<Record<LifeVerb, readonly DirectiveStatus[]>> = {
  start: ['draft'],
  pause: ['planning', 'active'],
  resume: ['paused'],
  stop: ['draft', 'planning', 'active', 'paused'],
  archive: ['draft', 'completed', 'failed', 'stopped'],
};

function decide(command: DirectiveCommand, state: DirectiveState): DirectiveEvent[] | Refusal {
  if (command.type === 'create') return create(command, state);
  if (state.status === 'absent') {
    return { refused: 'not_found', message: 'there is no such directive' };
  }
  switch (command.type) {
    case 'note-workspace':
      return noteWorkspace(command.event, state);
    case 'note-runs':
      return noteRuns(command.ends, state);
    case 'vote':
      return noteVote(command, state);
    case 'note-deadline':
      return noteDeadline(command.now, state);
    case 'note-evaluation':
      return noteEvaluation(command.evaluation, state);
    case 'note-time':
      return noteTime(command, state);
    default:
      return obey(command, state);
  }
}

function create(
  command: Extract<DirectiveCommand, { type: 'create' }>,
  state: DirectiveState,
): DirectiveEvent[] | Refusal {
  const { directive, steps, contentDigest } = command;
  if (state.status !== 'absent') {
    const first = state.answers.get(command.commandId);
    if (first === undefined) {
      return refuse('already_exists', `there is a directive ${command.directiveId} already`);
    }
    if (first.verb !== 'create') return reused(command.commandId, first.verb, 'create');
    if (state.spec.contentDigest === contentDigest) return [];
    return refuse('command_reused', `command ${command.commandId} was used with another directive`);
  }
  const { title, goal, requirements, acceptanceCriteria, constraints, autonomy } = directive;
  const { thresholds, limits, workspace, variables, planner, approvals } = directive;
  const spec = { title, goal, requirements, acceptanceCriteria, constraints, autonomy };
  const draft = new Draft(state, command.directiveId);
  draft.emit({
    type: 'DirectiveCreated',
    data: {
      ...{ ...spec, thresholds, limits, workspace, variables, planner, contentDigest },
      ...(approvals === undefined ? {} : { approvals }),
      steps: [...steps],
    },
  });
  if (command.start) start(draft);
  return draft.events;
}

function obey(
  command: Extract<DirectiveCommand, { type: LifeVerb }>,
  state: Directive,
): DirectiveEvent[] | Refusal {
  const verb = command.type;
  const first = state.answers.get(command.commandId);
  if (first !== undefined) {
    return first.verb === verb ? [] : reused(command.commandId, first.verb, verb);
  }
  const from = state.status;
  const legal = legalFrom[verb];
  if (!legal.includes(from)) {
    const possible = (Object.keys(legalFrom) as LifeVerb[]).filter((it) =>
      legalFrom[it].includes(from),
    );
    const message = `a directive that is ${from} cannot ${verb}; ${possible.length > 0 ? `it can ${possible.join(' or ')}` : 'it has ended'}`;
    const details = { from, verb, legal: possible };
    return [
      { type: 'CommandRefused', data: { verb, code: 'illegal_transition', message, details } },
    ];
  }
  const draft = new Draft(state, state.id);
  const reason = command.reason === undefined ? {} : { reason: command.reason };
  switch (verb) {
    case 'start':
      start(draft);
      break;
    case 'pause':
      draft.emit({ type: 'DirectivePaused', data: reason });
      break;
    case 'resume':
      draft.emit({ type: 'DirectiveResumed', data: {} });
      if (state.pausedFrom === 'planning') activateIfPrepared(draft);
      else advance(draft);
      break;
    case 'stop':
      cancelActive(draft);
      voidApprovals(draft, 'the directive was stopped');
      draft.emit({ type: 'DirectiveStopped', data: reason });
      break;
    case 'archive':
      draft.emit({ type: 'DirectiveArchived', data: {} });
  }
  return draft.events;
}

function start(draft: Draft): void {
  draft.emit({ type: 'DirectiveStarted', data: {} });
  activateIfPrepared(draft);
}

/** Whoever repeats a command means the same; to answer as if would hide that nothing was done. */
function reused(commandId: string, before: string, now: string): Refusal {
  return refuse('command_reused', `command ${commandId} was used to ${before}, not to ${now}`);
}

function refuse(refused: RefusalCode, message: string): Refusal {
  return { refused, message };
}
