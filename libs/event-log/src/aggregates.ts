/**
 * Lets a decider live on the log: folds a stream, decides, appends at the version it saw.
 *
 * G1 A decision counts only when its append goes in at the version it was made on. On a conflict
 *    the tail is read and the command decided again, in place and a bounded number of times.
 * G2 A refusal, and a decision for nothing, have no append to prove them. Made on a state from
 *    memory, they are confirmed by an append beside them or by reading the tail: another process
 *    may have gone on.
 * G3 Commands to one stream in this process do not conflict with each other: one group at a time,
 *    and those that wait are decided one after the other and appended together.
 * G4 What is kept in memory are folds of a prefix of the stream: never wrong, perhaps short.
 * G5 A command that cannot be recorded does not harm those it waited with: they go on alone.
 * G6 A snapshot is asked for only where the first page of a stream was not all of it, so what is
 *    short costs what it did; one that counts is a fold of a prefix like any other (G4).
 */
import {
  pause,
  systemClock,
  Unavailable,
  VersionConflict,
  type Clock,
  type EventMetadata,
  type RecordedEvent,
  type Refusal,
} from '@writ/contracts';
import type { Decider } from '@writ/domain';
import { AggregateCache, type Aggregate } from './aggregate-cache';
import { decideTogether, type Asked, type Decided, type Outcome } from './decide-together';
import type { EventLog, StoredEvent } from './event-log';
import type { Snapshots } from './snapshots';
import { uuidV7 } from './uuid-v7';

export interface AggregatesOptions<S, C, E extends Decided> {
  readonly log: Pick<EventLog, 'append' | 'readStream'>;
  readonly decider: Decider<S, C, E>;
  /** Makes the ids of events. Default: UUID version 7. */
  readonly newId?: () => string;
  /**
   * Whether a command begins its stream. Such a one is decided as if the stream did not exist, unless
   * it is in memory: when it does, the append conflicts (G1), which spares the reading before it.
   */
  readonly begins?: (command: C) => boolean;
  /** Brings an old event to its present form before it is folded. */
  readonly upcast?: (event: RecordedEvent) => RecordedEvent;
  /** Spare the folding of long streams from their beginning. Default: none. */
  readonly snapshots?: Snapshots<S>;
  /** So many streams are kept in memory. Default 2,000. */
  readonly cacheSize?: number;
  /** A command is decided so often at most. Default 8. */
  readonly maxAttempts?: number;
  /** So many commands that wait for one stream are appended together. Default 64. */
  readonly together?: number;
  readonly clock?: Clock;
  /** 0 up to 1, so that those who conflict do not meet again. */
  readonly random?: () => number;
}

export interface Handled<S> extends Aggregate<S> {
  /** What was appended for this command; empty when it had taken effect before. */
  readonly events: readonly StoredEvent[];
}

interface Waiting<S, C> extends Asked<C> {
  readonly resolve: (handled: Handled<S> | Refusal) => void;
  readonly reject: (error: unknown) => void;
}

/** Of one reading. */
const PAGE = 2_000;
/** Under way while one is folded. */
const PAGES_AHEAD = 2;

export class Aggregates<S, C, E extends Decided> {
  private readonly cache: AggregateCache<S>;
  private readonly waiting = new Map<string, Waiting<S, C>[]>();
  private readonly newId: () => string;
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly maxAttempts: number;
  private readonly together: number;

  constructor(private readonly options: AggregatesOptions<S, C, E>) {
    this.cache = new AggregateCache(options.cacheSize ?? 2_000);
    this.newId = options.newId ?? uuidV7;
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.maxAttempts = options.maxAttempts ?? 8;
    this.together = options.together ?? 64;
  }

  /**
   * Decides a command and appends what follows. Returns the refusal, or the state after it.
   * Throws VersionConflict when others were faster every time, and what decider and log throw.
   */
  handle(stream: string, command: C, metadata: EventMetadata): Promise<Handled<S> | Refusal> {
    return new Promise((resolve, reject) => {
      const asked = { command, metadata, resolve, reject };
      const others = this.waiting.get(stream);
      if (others !== undefined) return void others.push(asked); // G3
      this.waiting.set(stream, [asked]);
      void this.work(stream);
    });
  }

  /** The state of a stream, including all that was committed before the call. */
  load(stream: string): Promise<Aggregate<S>> {
    return this.catchUp(stream, this.cache.get(stream));
  }

  /** As this process remembers it, perhaps behind the log; undefined when it does not. */
  known(stream: string): Aggregate<S> | undefined {
    return this.cache.get(stream);
  }

  /** Takes an event that arrived by message; one that does not follow what is known is ignored. */
  observe(event: RecordedEvent): void {
    const known = this.cache.get(event.stream) ?? this.before();
    if (event.version === known.version + 1) this.keep(event.stream, this.fold(known, event));
  }

  private async work(stream: string): Promise<void> {
    const waiting = this.waiting.get(stream) ?? [];
    while (waiting.length > 0) await this.settle(stream, waiting.splice(0, this.together));
    this.waiting.delete(stream);
  }

  /** Answers every command of the group; never throws. */
  private async settle(stream: string, group: readonly Waiting<S, C>[]): Promise<void> {
    try {
      await this.decideAndAppend(stream, group);
    } catch (error) {
      const ofTheLog = error instanceof Unavailable || error instanceof VersionConflict;
      if (ofTheLog || group.length === 1) return group.forEach(({ reject }) => reject(error));
      for (const alone of group) await this.settle(stream, [alone]); // G5
    }
  }

  private async decideAndAppend(stream: string, group: readonly Waiting<S, C>[]): Promise<void> {
    const { decider, log } = this.options;
    const fold = (before: Aggregate<S>, event: RecordedEvent) => this.fold(before, event);
    const making = { newId: this.newId, time: () => this.clock.time() };
    let known = this.cache.get(stream);
    let fresh = false;
    if (known === undefined) {
      const begins = group.every(({ command }) => this.options.begins?.(command) ?? false);
      fresh = !begins;
      known = begins ? this.before() : await this.catchUp(stream, undefined);
    }
    for (let attempt = 1; ; attempt += 1) {
      const outcomes = decideTogether(decider, stream, known, group, making, fold);
      const events = outcomes.flatMap((it) => (it.kind === 'decided' ? it.events : []));
      if (events.length === 0) {
        if (fresh) return this.answer(stream, known, group, outcomes, []);
        known = await this.catchUp(stream, known); // G2
        fresh = true;
        continue;
      }
      try {
        const expectedVersion: number = known.version;
        const stored = await log.append({ stream, expectedVersion, events });
        return this.answer(stream, known, group, outcomes, stored);
      } catch (error) {
        if (!(error instanceof VersionConflict) || attempt >= this.maxAttempts) throw error;
        known = await this.afterConflict(stream, known, error, attempt); // G1
        fresh = true;
      }
    }
  }

  /** Folds what was recorded and gives each command its own part of it. */
  private answer(
    stream: string,
    known: Aggregate<S>,
    group: readonly Waiting<S, C>[],
    outcomes: readonly Outcome[],
    stored: readonly StoredEvent[],
  ): void {
    let after = known;
    let next = 0;
    const answers = outcomes.map((outcome, index) => {
      const { resolve, reject } = group[index]!;
      if (outcome.kind === 'refused') return () => resolve(outcome.refusal);
      if (outcome.kind === 'failed') return () => reject(outcome.error);
      const events = stored.slice(next, (next += outcome.events.length));
      for (const event of events) after = this.fold(after, event);
      const handled = { ...after, events };
      return () => resolve(handled);
    });
    if (stored.length > 0) this.keep(stream, after);
    for (const give of answers) give();
  }

  private async afterConflict(
    stream: string,
    known: Aggregate<S>,
    conflict: VersionConflict,
    attempt: number,
  ): Promise<Aggregate<S>> {
    if (attempt > 1) await pause(this.clock, this.random() * 2 ** attempt);
    if (conflict.actualVersion >= known.version) return this.catchUp(stream, known);
    // The stream is shorter than what was folded: the log was restored from a backup.
    this.cache.delete(stream);
    return this.catchUp(stream, undefined);
  }

  /** Reads what comes after `known`, all of it. */
  private async catchUp(stream: string, known = this.before()): Promise<Aggregate<S>> {
    const { snapshots } = this.options;
    let aggregate = known;
    if (snapshots !== undefined && known.version === 0) {
      const limit = snapshots.everyEvents;
      const beginning = await this.options.log.readStream(stream, { limit });
      for (const event of beginning) aggregate = this.fold(aggregate, event);
      if (beginning.length < limit) return this.keep(stream, aggregate);
      aggregate = (await snapshots.load(stream)) ?? aggregate; // G6
    }
    return this.keep(stream, await this.foldAfter(stream, aggregate));
  }

  /** Versions have no gaps, so the pages behind a full one can be asked for before it is folded. */
  private async foldAfter(stream: string, known: Aggregate<S>): Promise<Aggregate<S>> {
    let aggregate = known;
    let afterVersion = known.version;
    const pages: Promise<StoredEvent[]>[] = [];
    const ask = () => {
      const page = this.options.log.readStream(stream, { afterVersion, limit: PAGE });
      page.catch(() => undefined); // thrown where it is awaited
      pages.push(page);
      afterVersion += PAGE;
    };
    ask();
    for (let page = await pages.shift(); page !== undefined; page = await pages.shift()) {
      const goesOn = page.length === PAGE;
      while (goesOn && pages.length < PAGES_AHEAD) ask();
      for (const event of page) aggregate = this.fold(aggregate, event);
      if (!goesOn) break;
    }
    return aggregate;
  }

  private keep(stream: string, aggregate: Aggregate<S>): Aggregate<S> {
    if (aggregate.version === 0) return aggregate;
    this.cache.put(stream, aggregate);
    this.options.snapshots?.folded(stream, aggregate);
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
