/** What a directive is at a point of its stream. How it follows from events is in `directive-evolution.ts`. */
import {
  finalStatuses,
  type CriterionResult,
  type DirectiveEventData,
  type DirectiveStatus,
  type PlannedStep,
} from '@writ/contracts';
import type { Approvals } from './approvals';
import type { Ledger } from './budget';
import type { Chain, StepState } from './chain';
import type { Breaker } from './provider-breaker';
import type { Merge } from './rollback';

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
