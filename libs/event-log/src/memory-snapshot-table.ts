/** Snapshots in memory, for tests and for the simulator, where all processes share one map. */
import type { Snapshot, SnapshotTable } from './snapshot-table';

export class MemorySnapshotTable implements SnapshotTable {
  constructor(private readonly byStream = new Map<string, Snapshot>()) {}

  async read(stream: string): Promise<Snapshot | undefined> {
    return this.byStream.get(stream);
  }

  async write(snapshot: Snapshot): Promise<void> {
    this.byStream.set(snapshot.stream, snapshot);
  }

  async remove({ stream, version, shape }: Snapshot): Promise<void> {
    const found = this.byStream.get(stream);
    if (found?.version === version && found.shape === shape) this.byStream.delete(stream);
  }

  async streams(after: string, limit: number): Promise<string[]> {
    const names = [...this.byStream.keys()].filter((name) => name > after);
    return names.sort().slice(0, limit);
  }

  async clear(): Promise<void> {
    this.byStream.clear();
  }
}
