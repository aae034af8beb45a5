/**
 * The directive aggregate: what a command makes happen. What people tell a directive that is there is
 * in `directive-orders.ts`, how steps go on in `directive-progress.ts`, what follows from an event in
 * `directive-state.ts`, what work is due in `directive-work.ts`.
 */
import type { DirectiveEvent, Refusal, RefusalCode } from '@writ/contracts';
import { noteTalk } from './approval-talk';
import type { Decider } from './decider';
import { reused, type DirectiveCommand } from './directive-command';
import { Draft } from './directive-draft';
import { noteEvaluation, noteRuns, noteTime, noteWorkspace } from './directive-progress';
import { notePlan } from './directive-planning';
import { noteDeadline, noteVote } from './directive-votes';
import { carryOut } from './directive-orders';
import { noteProbe } from './postpone-step';
import { start } from './life-orders';
import { evolveDirective } from './directive-evolution';
import { type DirectiveState } from './directive-state';

export const directiveDecider: Decider<DirectiveState, DirectiveCommand, DirectiveEvent> = {
  initial: { status: 'absent' },
  decide,
  evolve: evolveDirective,
};

function decide(command: DirectiveCommand, state: DirectiveState): DirectiveEvent[] | Refusal {
  if (command.type === 'create') return create(command, state);
  if (state.status === 'absent') {
    return { refused: 'not_found', message: 'there is no such directive' };
  }
  switch (command.type) {
    case 'note-workspace':
      return noteWorkspace(command.event, state);
    case 'note-plan':
      return notePlan(command, state);
    case 'note-runs':
      return noteRuns(command.ends, state);
    case 'vote':
      return noteVote(command, state);
    case 'talk':
      return noteTalk(command, state);
    case 'note-deadline':
      return noteDeadline(command.now, state);
    case 'note-evaluation':
      return noteEvaluation(command.evaluation, state);
    case 'note-probe':
      return noteProbe(command, state);
    case 'note-time':
      return noteTime(command, state);
    default:
      return carryOut(command, state);
  }
}

function create(
  command: Extract<DirectiveCommand, { type: 'create' }>,
  state: DirectiveState,
): DirectiveEvent[] | Refusal {
  const { directive, steps, contentDigest, fork } = command;
  const verb = fork === undefined ? 'create' : 'fork';
  if (state.status !== 'absent') {
    const first = state.answers.get(command.commandId);
    if (first === undefined) {
      return refuse('already_exists', `there is a directive ${command.directiveId} already`);
    }
    if (first.verb !== verb) return reused(command.commandId, first.verb, verb);
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
      ...(fork === undefined ? {} : { fork }),
      steps: [...steps],
    },
  });
  if (command.start) start(draft);
  return draft.events;
}

function refuse(refused: RefusalCode, message: string): Refusal {
  return { refused, message };
}
