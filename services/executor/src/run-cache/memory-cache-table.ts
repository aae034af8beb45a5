/** The run cache over a log in memory, for tests: successes are found in the log itself. */
import type { Confidence, EvaluationCompleted, RunEnded } from '@writ/contracts';
import type { EventLog } from '@writ/event-log';
import {
  isCacheable,
  outcomeOf,
  type CacheAnswer,
  type CachedRun,
  type CacheQuestion,
  type CacheTable,
  type Reservation,
} from './cache-table';

export interface ReservationTable {
  readonly held: Map<string, { runId: string; expiresAt: number }>;
  readonly now: () => number;
}

export const reservationTable = (now: () => number = () => Date.now()): ReservationTable => ({
  held: new Map(),
  now,
});

export interface MemoryCacheTableOptions {
  readonly log: Pick<EventLog, 'readAll' | 'head'>;
  readonly reservations: ReservationTable;
  readonly ttlMs: number;
  /** Stands in for a read model that has come only so far. */
  readonly upTo?: () => number;
  /** The success of a hash in a read model; without it the log is asked. */
  readonly success?: (hash: string) => CachedRun | undefined;
}

export class MemoryCacheTable implements CacheTable {
  constructor(private readonly options: MemoryCacheTableOptions) {}

  async ask({ hash, runId, reserve }: CacheQuestion): Promise<CacheAnswer> {
    const { success } = this.options;
    const found = success === undefined ? (await this.successes()).get(hash) : success(hash);
    if (found !== undefined) return { kind: 'hit', ...found };
    if (!reserve) return { kind: 'miss' };
    const { reservations, ttlMs } = this.options;
    const held = reservations.held.get(hash);
    const now = reservations.now();
    if (held !== undefined && held.runId !== runId && held.expiresAt >= now) {
      return { kind: 'held', by: held.runId };
    }
    reservations.held.set(hash, { runId, expiresAt: now + ttlMs });
    return { kind: 'miss' };
  }

  renew(reservations: readonly Reservation[]): Promise<void> {
    const { held, now } = this.options.reservations;
    for (const { hash, runId } of reservations) {
      const ours = held.get(hash);
      if (ours?.runId === runId) ours.expiresAt = now() + this.options.ttlMs;
    }
    return Promise.resolve();
  }

  release(reservations: readonly Reservation[]): Promise<void> {
    const { held } = this.options.reservations;
    for (const { hash, runId } of reservations) {
      if (held.get(hash)?.runId === runId) held.delete(hash);
    }
    return Promise.resolve();
  }

  async position(): Promise<number> {
    return this.options.upTo?.() ?? (await this.options.log.head()).position;
  }

  private async successes(): Promise<Map<string, CachedRun>> {
    const upTo = await this.position();
    const known = new Map<string, CachedRun>();
    const hashes = new Map<string, string>();
    for (const { type, data, position } of await this.options.log.readAll({ limit: 10_000 })) {
      if (position > upTo) break;
      if (type === 'RunEnded') {
        const ended = data as RunEnded;
        if (ended.bundle !== undefined) hashes.set(ended.runId, ended.bundle.hash);
        if (!isCacheable(ended) || known.has(ended.bundle.hash)) continue;
        known.set(ended.bundle.hash, { runId: ended.runId, outcome: outcomeOf(ended) });
      } else if (type === 'EvaluationCompleted') {
        const { runId, confidence } = data as EvaluationCompleted;
        judge(known, hashes.get(runId), runId, confidence);
      } else if (type === 'StepFailed') {
        known.delete(hashes.get((data as { run: { runId: string } }).run.runId) ?? '');
      }
    }
    return known;
  }
}

function judge(
  known: Map<string, CachedRun>,
  hash: string | undefined,
  runId: string,
  confidence: Confidence,
): void {
  const entry = hash === undefined ? undefined : known.get(hash);
  if (hash === undefined || entry === undefined) return;
  if (confidence.level === 'red') known.delete(hash);
  else if (entry.runId === runId)
    known.set(hash, { runId, outcome: { ...entry.outcome, confidence } });
}
