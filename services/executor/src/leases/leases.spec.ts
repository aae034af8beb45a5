import { leasesConformance } from './leases.conformance';
import { leaseTable, MemoryLeases } from './memory-leases';

describe('leases in memory', () => {
  const table = leaseTable();
  leasesConformance((executorId, ttlMs) => new MemoryLeases(table, executorId, ttlMs));
});
