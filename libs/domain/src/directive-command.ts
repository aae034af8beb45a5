/** What can be decided about a directive: what people tell it, and what is noted of its work. */
import type {
  DirectiveCommandData,
  DirectiveFile,
  EvaluationCompleted,
  PlannedStep,
  Refusal,
  RunEnded,
  ToldVerb,
  WorkspaceEvent,
} from '@writ/contracts';
import type { Fork } from './fork';
import type { PlannedBy } from './directive-planning';
import type { Talk } from './approval-talk';
import type { CastVote } from './directive-votes';

/** What people tell a directive: the verb is the type. */
export type DirectiveOrder = {
  [V in ToldVerb]: { readonly type: V; readonly commandId: string } & Omit<
    DirectiveCommandData<V>,
    'directiveId'
  >;
}[ToldVerb];

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
      readonly fork?: Fork;
    }
  | DirectiveOrder
  | { readonly type: 'note-workspace'; readonly event: WorkspaceEvent }
  | ({ readonly type: 'note-plan' } & PlannedBy)
  | { readonly type: 'note-runs'; readonly ends: readonly RunEnded[] }
  | ({ readonly type: 'vote' } & CastVote)
  | ({ readonly type: 'talk' } & Talk)
  | { readonly type: 'note-deadline'; readonly now: string }
  | { readonly type: 'note-evaluation'; readonly evaluation: EvaluationCompleted }
  | {
      /** `note-probe`: `since` is that of the suspension. */
      readonly type: 'note-time' | 'note-probe';
      /** The database's. */
      readonly now: string;
      /** `movingSince` of the directive of which it is said, as the log has recorded it. */
      readonly since: string;
    };

/** Whoever repeats a command means the same; to answer as if would hide that nothing was done. */
export function reused(commandId: string, before: string, now: string): Refusal {
  const message = `command ${commandId} was used to ${before}, not to ${now}`;
  return { refused: 'command_reused', message };
}
