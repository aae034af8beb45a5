/** A snapshot of what a run made: where checks look and programs run. */

export interface Snapshot {
  /** Absolute. */
  readonly root: string;
  /** What lies outside of it and a program in it needs to read. */
  readonly readOnlyPaths: readonly string[];
  /** What the step has changed; only where there is a commit to compare with. */
  readonly changes?: readonly FileChange[];
  /** Removes what was made for it. */
  close(): Promise<void>;
}

export interface FileChange {
  readonly path: string;
  /** Lines; of a file that is no text 0. */
  readonly added: number;
  readonly removed: number;
}

/** There is no snapshot to be had, and trying again would not help. */
export class SnapshotImpossible extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SnapshotImpossible';
  }
}
