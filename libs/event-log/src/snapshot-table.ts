/**
 * Where snapshots of streams are kept, one for each. Two stand under it: PostgreSQL
 * (`postgres-snapshot-table.ts`) and memory (`memory-snapshot-table.ts`). What is in it is never the
 * truth: whoever reads one asks the log whether it still holds (`snapshots.ts`).
 */
export interface Snapshot {
  readonly stream: string;
  /** Of the stream's last event that is in it, as are these two. */
  readonly version: number;
  readonly position: number;
  readonly hash: string;
  /** See `SnapshotForm`. */
  readonly shape: number;
  readonly state: string;
}

export interface SnapshotTable {
  read(stream: string): Promise<Snapshot | undefined>;
  /** In the place of the one before. */
  write(snapshot: Snapshot): Promise<void>;
  /** Nothing happens when another one has taken its place. */
  remove(snapshot: Pick<Snapshot, 'stream' | 'version' | 'shape'>): Promise<void>;
  /** The streams that have one, by name, at most so many that come after a name. */
  streams(after: string, limit: number): Promise<string[]>;
  clear(): Promise<void>;
}
