import { MemorySnapshotTable } from './memory-snapshot-table';
import { snapshotTableConformance } from './snapshot-table.conformance';

describe('snapshots in memory', () => {
  snapshotTableConformance(async () => ({
    table: new MemorySnapshotTable(),
    close: async () => undefined,
  }));
});
