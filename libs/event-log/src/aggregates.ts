/**
 * Lets a decider live on the log: folds a stream, decides, appends at the version it saw.
 *
 * G1 A decision counts only when its append goes in at the version it was made on. On a conflict
 *    the tail is read and the command decided again, in place and a bounded number of times.
 * G2 A refusal, and a decision for nothing, have no append to prove them. Made on a state from
 *    memory, they are confirmed by reading the tail first: another process may have gone on.
 * G3 Commands to one stream in this process wait for each other instead of conflicting.
 * G4 What is kept in memory are folds of a prefix of the stream: never wrong, perhaps short.
 */
import { setTimeout as wait } from 'node:timers/promises';
import {
  isRefusal,
  VersionConflict,
  type EventMetadata,
  type NewEvent,
  type RecordedEvent,
  type Refusal,
} from '@writ/contracts';
import type { Decider } from '@writ/domain';
import { AggregateCache, type Aggregate } from './aggregate-cache';
import { MAX_LIMIT, type EventLog, type StoredEvent } from './event-log';
import { KeyedQueue } from './keyed-queue';
import { uuidV7 } from './uuid-v7';

/** An event as a decider states it; without a `schemaVersion` it is of version 1. */
export interface Decided {
  readonly type: string;
  readonly data: unknown;
  readonly schemaVersion?: number;
}

export interface AggregatesOptions<S, C, E extends Decided> {
  readonly log: Pick<EventLog, 'append' | 'readStream'>;
  readonly decider: Decider<S, C, E>;
  /** Makes the ids of events. Default: UUID version 7. */
  readonly newId?: () => string;
  /** Brings an old event to its present form before it is folded. */
  readonly upcast?: (event: RecordedEvent) => RecordedEvent;
  /** So many streams are kept in memory. Default 2,000. */
  readonly cacheSize?: number;
  /** A command is decided so often at most. Default 8. */
  readonly maxAttempts?: number;
}

export interface Handled<S> extends Aggregate<S> {
  /** What was appended now; empty when the command had taken effect before. */
  readonly events: readonly StoredEvent[];
}

export class Aggregates<S, C, E extends Decided> {
  private readonly cache: AggregateCache<S>;
  private readonly queue = new KeyedQueue();
  private readonly newId: () => string;
  private readonly maxAttempts: number;

  constructor(private readonly options: AggregatesOptions<S, C, E>) {
    this.cache = new AggregateCache(options.cacheSize ?? 2_000);
    this.newId = options.newId ?? uuidV7;
    this.maxAttempts = options.maxAttempts ?? 8;
  }

  /**
   * Decides a command and appends what follows. Returns the refusal, or the state after it.
   * Throws VersionConflict when others were faster every time, and what the log throws.
   */
  handle(stream: string, command: C, metadata: EventMetadata): Promise<Handled<S> | Refusal> {
    return this.queue.run(stream, () => this.decideAndAppend(stream, command, metadata)); // G3
  }

  /** The state of a stream, including all that was committed before the call. */
  load(stream: string): Promise<Aggregate<S>> {
    return this.catchUp(stream, this.cache.get(stream));
  }

  /** Takes an event that arrived by message; one that does not follow what is known is ignored. */
  observe(event: RecordedEvent): void {
    const known = this.cache.get(event.stream) ?? this.before();
    if (event.version === known.version + 1) this.cache.put(event.stream, this.fold(known, event));
  }

  private async decideAndAppend(
    stream: string,
    command: C,
    metadata: EventMetadata,
  ): Promise<Handled<S> | Refusal> {
    let known = this.cache.get(stream);
    let fresh = known === undefined;
    known ??= await this.catchUp(stream, undefined);
    for (let attempt = 1; ; attempt += 1) {
      const decision = this.options.decider.decide(command, known.state);
      if (isRefusal(decision) || decision.length === 0) {
        if (fresh) return isRefusal(decision) ? decision : { ...known, events: [] };
        known = await this.catchUp(stream, known); // G2
        fresh = true;
        continue;
      }
      try {
        const events = await this.append(stream, known.version, decision, metadata);
        const after = events.reduce((state: Aggregate<S>, it) => this.fold(state, it), known);
        this.cache.put(stream, after);
        return { ...after, events };
      } catch (error) {
        if (!(error instanceof VersionConflict) || attempt >= this.maxAttempts) throw error;
        known = await this.afterConflict(stream, known, error, attempt); // G1
        fresh = true;
      }
    }
  }

  private append(
    stream: string,
    expectedVersion: number,
    decision: readonly E[],
    metadata: EventMetadata,
  ): Promise<StoredEvent[]> {
    const events: NewEvent[] = decision.map(({ type, data, schemaVersion }) => ({
      id: this.newId(),
      type,
      schemaVersion: schemaVersion ?? 1,
      data,
      metadata,
    }));
    return this.options.log.append({ stream, expectedVersion, events });
  }

  private async afterConflict(
    stream: string,
    known: Aggregate<S>,
    conflict: VersionConflict,
    attempt: number,
  ): Promise<Aggregate<S>> {
    if (attempt > 1) await wait(Math.random() * 2 ** attempt);
    if (conflict.actualVersion >= known.version) return this.catchUp(stream, known);
    // The stream is shorter than what was folded: the log was restored from a backup.
    this.cache.delete(stream);
    return this.catchUp(stream, undefined);
  }

  /** Reads what comes after `known`, all of it. */
  private async catchUp(stream: string, known = this.before()): Promise<Aggregate<S>> {
    let aggregate = known;
    for (;;) {
      const afterVersion = aggregate.version;
      const tail = await this.options.log.readStream(stream, { afterVersion, limit: MAX_LIMIT });
      for (const event of tail) aggregate = this.fold(aggregate, event);
      if (tail.length < MAX_LIMIT) break;
    }
    if (aggregate.version > 0) this.cache.put(stream, aggregate);
    return aggregate;
  }

  private fold(before: Aggregate<S>, event: RecordedEvent): Aggregate<S> {
    const { decider, upcast } = this.options;
    const state = decider.evolve(before.state, upcast === undefined ? event : upcast(event));
    return { state, version: event.version, position: event.position };
  }

  private before(): Aggregate<S> {
    return { state: this.options.decider.initial, version: 0, position: 0 };
  }
}
