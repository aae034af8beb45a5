/**
 * Who may work on a run, by the database's clock. A lease says when another executor may take over;
 * what an executor may write is decided by the run's stream. Two implementations stand under this,
 * PostgreSQL and memory; `leases.conformance.ts` asks both the same.
 *
 * E1 Of any number of executors that ask at once, one gets the lease.
 * E2 A lease lives for `ttlMs` after it was given or renewed; after that whoever asks gets it.
 * E3 A lease that was taken over is not renewed, not released and not expired by its former holder,
 *    also when that is the same executor.
 */

/** So long after it was asked for, a lease is surely still ours; a fifth is left for slow clocks. */
export const surelyOursMs = ({ ttlMs }: Pick<Leases, 'ttlMs'>): number => ttlMs * 0.8;

export interface Lease {
  readonly runId: string;
  /** Grows with each holder. */
  readonly token: number;
}

export interface AcquiredLease extends Lease {
  /** There was a holder whose time ran out. */
  readonly tookOver: boolean;
  /** Time of the database, RFC 3339. */
  readonly now: string;
}

export interface Leases {
  readonly ttlMs: number;
  /** Undefined while somebody holds it. */
  acquire(runId: string): Promise<AcquiredLease | undefined>;
  /** Renews all that are still ours; returns their run ids. */
  renew(leases: readonly Lease[]): Promise<Set<string>>;
  /** The work is done: nobody has to wait. */
  release(lease: Lease): Promise<void>;
  /** The work is given up: whoever asks next takes over. */
  expire(lease: Lease): Promise<void>;
  /** Of these runs the ones that somebody works on. */
  living(runIds: readonly string[]): Promise<Set<string>>;
}
