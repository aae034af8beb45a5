/** How the state of an aggregate is kept outside of its log, so that a long stream is not folded again. */
export interface SnapshotForm<State> {
  /**
   * Of what the code makes of events. Raised with every change after which the same events fold to
   * another state, or a state is written otherwise: what was kept under another number is thrown away.
   */
  readonly shape: number;
  write(state: State): string;
  /** What `write` was given; throws when the text is none of its own. */
  read(text: string): State;
}
