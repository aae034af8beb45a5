/**
 * What the run cache knows beyond this process: recorded successes, one for each bundle hash, and
 * who computes a hash right now. Two implementations, PostgreSQL and memory;
 * `cache-table.conformance.ts` asks both the same.
 *
 * K1 A success can be found when the read model has come as far as its event, until its run is
 *    judged red or its step fails.
 * K2 A hash is reserved for one run at a time; the reservation lives for a bounded time unless it is
 *    renewed, by the database's clock.
 */
import type { Confidence, RunEnded } from '@writ/contracts';

/** What a run handed out, as far as another run can hand it out again. */
export type CachedOutcome = Pick<
  RunEnded,
  'artifacts' | 'deleted' | 'exitCode' | 'stdout' | 'stderr' | 'usage' | 'transcript' | 'metadata'
> & { readonly confidence?: Confidence };

export interface CachedRun {
  readonly runId: string;
  readonly outcome: CachedOutcome;
}

export interface CacheQuestion {
  readonly hash: string;
  readonly runId: string;
  /** Reserves the hash for the run when there is no success. */
  readonly reserve: boolean;
}

export type CacheAnswer =
  | ({ readonly kind: 'hit' } & CachedRun)
  /** There is none; where it was asked for, the hash is reserved. */
  | { readonly kind: 'miss' }
  /** That run computes it; its id may be unknown yet. */
  | { readonly kind: 'held'; readonly by: string | undefined };

export interface Reservation {
  readonly hash: string;
  readonly runId: string;
}

export interface CacheTable {
  ask(question: CacheQuestion): Promise<CacheAnswer>;
  renew(reservations: readonly Reservation[]): Promise<void>;
  release(reservations: readonly Reservation[]): Promise<void>;
  /** Up to which position of the log successes can be found. */
  position(): Promise<number>;
}

export function outcomeOf(ended: RunEnded): CachedOutcome {
  const { artifacts, deleted, exitCode, stdout, stderr, usage, transcript, metadata } = ended;
  return { artifacts, deleted, exitCode, stdout, stderr, usage, transcript, metadata };
}

/** Whether the end of a run may stand in for another run with its hash. */
export function isCacheable(ended: RunEnded): ended is RunEnded & { bundle: object } {
  return ended.result === 'success' && ended.bundle !== undefined && ended.cacheable !== false;
}
