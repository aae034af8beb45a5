/**
 * A decider is an aggregate's whole logic: what state it starts in, what a command makes happen in
 * a state, and what state follows from an event. Pure: time, ids and chance arrive in the command.
 */
import type { RecordedEvent, Refusal } from '@writ/contracts';

export interface Decider<State, Command, Event> {
  readonly initial: State;
  /** The events that the command causes (none: it was done already), or why it is refused. */
  decide(command: Command, state: State): readonly Event[] | Refusal;
  evolve(state: State, event: RecordedEvent): State;
}
