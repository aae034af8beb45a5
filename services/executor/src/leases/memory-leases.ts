/** Leases in memory, for tests. Executors that share the table compete as over a database. */
import type { AcquiredLease, Lease, Leases } from './leases';

interface Held {
  token: number;
  executorId: string;
  expiresAt: number;
}

export interface LeaseTable {
  readonly held: Map<string, Held>;
  readonly now: () => number;
}

export const leaseTable = (now: () => number = () => Date.now()): LeaseTable => ({
  held: new Map(),
  now,
});

export class MemoryLeases implements Leases {
  constructor(
    private readonly table: LeaseTable,
    private readonly executorId: string,
    readonly ttlMs: number,
  ) {}

  acquire(runId: string): Promise<AcquiredLease | undefined> {
    const { held, now } = this.table;
    const before = held.get(runId);
    if (before !== undefined && before.expiresAt >= now()) return Promise.resolve(undefined);
    const token = (before?.token ?? 0) + 1;
    held.set(runId, { token, executorId: this.executorId, expiresAt: now() + this.ttlMs });
    const at = new Date(now()).toISOString();
    return Promise.resolve({ runId, token, tookOver: before !== undefined, now: at });
  }

  renew(leases: readonly Lease[]): Promise<Set<string>> {
    const ours = new Set<string>();
    for (const lease of leases) {
      const held = this.ours(lease);
      if (held === undefined) continue;
      held.expiresAt = this.table.now() + this.ttlMs;
      ours.add(lease.runId);
    }
    return Promise.resolve(ours);
  }

  release(lease: Lease): Promise<void> {
    if (this.ours(lease) !== undefined) this.table.held.delete(lease.runId);
    return Promise.resolve();
  }

  expire(lease: Lease): Promise<void> {
    const held = this.ours(lease);
    if (held !== undefined) held.expiresAt = Number.NEGATIVE_INFINITY;
    return Promise.resolve();
  }

  living(runIds: readonly string[]): Promise<Set<string>> {
    const { held, now } = this.table;
    const alive = runIds.filter((runId) => (held.get(runId)?.expiresAt ?? -1) >= now());
    return Promise.resolve(new Set(alive));
  }

  private ours({ runId, token }: Lease): Held | undefined {
    const held = this.table.held.get(runId);
    return held?.token === token && held.executorId === this.executorId ? held : undefined;
  }
}
