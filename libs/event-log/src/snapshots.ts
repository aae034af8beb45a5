/**
 * Snapshots of long streams: a fold is kept beside the log now and then, so that nobody has to fold the
 * stream from its beginning again. Owns when one is written and when one counts.
 *
 * N1 The log is the truth. A snapshot counts only when the log still has the event after which it was
 *    taken, by its hash, which covers every event before it. One of another shape, or that cannot be
 *    read, does not count either; what does not count is removed.
 * N2 Nobody waits for a snapshot to be written, and whoever cannot write one goes on without.
 * N3 The next one is due after so many events, or after as many as the last one has kilobytes: what
 *    writing costs an event does not grow with the state.
 */
import { systemClock, type Clock } from '@writ/contracts';
import type { SnapshotForm } from '@writ/domain';
import type { Aggregate } from './aggregate-cache';
import type { EventLog } from './event-log';
import { LoopStop } from './loop-stop';
import type { Snapshot, SnapshotTable } from './snapshot-table';
import type { SpareTime } from './spare-time';

export interface SnapshotsOptions<S> {
  readonly table: SnapshotTable;
  readonly form: SnapshotForm<S>;
  readonly log: Pick<EventLog, 'readStream'>;
  /** See N3; shorter streams have none and never ask for one. Default 500. */
  readonly everyEvents?: number;
  /** One is written so long after it was due at the earliest, as the stream is then. Default 2,000. */
  readonly restMs?: number;
  readonly spareTime?: Pick<SpareTime, 'restAfter'>;
  readonly clock?: Clock;
  /** Hears why a snapshot was removed, could not be read or could not be written. */
  readonly onTrouble: (what: string, stream: string, error?: unknown) => void;
}

const BYTES_OF_AN_EVENT = 1_024; // N3
/** So many long streams are known by the place of their next snapshot. */
const MOST_KNOWN = 20_000;

export class Snapshots<S> {
  readonly everyEvents: number;
  /** Snapshots that this process has written, and those that spared it a fold. */
  written = 0;
  used = 0;

  private readonly dueAt = new Map<string, number>();
  private readonly due = new Map<string, Aggregate<S>>();
  private readonly clock: Clock;
  private readonly loop: LoopStop;
  private working: Promise<void> | undefined;

  constructor(private readonly options: SnapshotsOptions<S>) {
    this.everyEvents = options.everyEvents ?? 500;
    this.clock = options.clock ?? systemClock;
    this.loop = new LoopStop(this.clock);
  }

  /** A stream was folded so far. Costs nothing while no snapshot of it is due. */
  folded(stream: string, aggregate: Aggregate<S>): void {
    if (aggregate.version < this.everyEvents || this.loop.stopped) return;
    if (aggregate.version < (this.dueAt.get(stream) ?? 0)) return;
    this.due.set(stream, aggregate);
    this.begin();
  }

  /** The fold up to the latest snapshot, when that counts (N1). Throws what the log throws. */
  async load(stream: string): Promise<Aggregate<S> | undefined> {
    const { table, form, onTrouble } = this.options;
    let kept: Snapshot | undefined;
    try {
      kept = await table.read(stream);
    } catch (error) {
      onTrouble('cannot be read', stream, error); // N2
    }
    if (kept === undefined) return undefined;
    const found = kept.shape === form.shape ? await this.take(kept) : 'is of another shape';
    if (typeof found === 'string') {
      onTrouble(found, stream);
      await this.attempt('cannot be removed', stream, table.remove(kept));
      return undefined;
    }
    this.used += 1;
    this.plan(stream, kept);
    return found;
  }

  /** Waits for the one under way. */
  async stop(): Promise<void> {
    this.loop.stop();
    this.due.clear();
    await this.working;
  }

  /** Why it does not count, or what is in it. */
  private async take(kept: Snapshot): Promise<Aggregate<S> | string> {
    const { stream, version, position, hash } = kept;
    const [last] = await this.options.log.readStream(stream, {
      ...{ afterVersion: version - 1, limit: 1 },
    });
    if (last?.hash !== hash) return 'is of events that the log does not have';
    try {
      return { state: this.options.form.read(kept.state), version, position };
    } catch (error) {
      return `does not parse (${(error as Error).message})`;
    }
  }

  private begin(): void {
    this.working ??= this.work().finally(() => {
      this.working = undefined;
      if (this.due.size > 0 && !this.loop.stopped) this.begin();
    });
  }

  private async work(): Promise<void> {
    const { restMs = 2_000, spareTime } = this.options;
    await this.loop.rest(restMs);
    for (const [stream, aggregate] of this.due) {
      this.due.delete(stream);
      const began = this.clock.now();
      await this.attempt('cannot be written', stream, this.keep(stream, aggregate));
      await this.loop.rest(spareTime?.restAfter(this.clock.now() - began) ?? 0);
      if (this.loop.stopped) return;
    }
  }

  private async keep(stream: string, { version, position, state }: Aggregate<S>): Promise<void> {
    const { log, form, table } = this.options;
    this.plan(stream, { version, state: '' }); // also when it fails: not tried again at once
    const [last] = await log.readStream(stream, { afterVersion: version - 1, limit: 1 });
    if (last?.position !== position) return; // the log was restored: what was folded is no more
    const written = { stream, version, position, hash: last.hash, shape: form.shape };
    const snapshot = { ...written, state: form.write(state) };
    await table.write(snapshot);
    this.written += 1;
    this.plan(stream, snapshot);
  }

  /** N3 */
  private plan(stream: string, { version, state }: Pick<Snapshot, 'version' | 'state'>): void {
    const [oldest] = this.dueAt.keys();
    if (this.dueAt.size >= MOST_KNOWN && oldest !== undefined) this.dueAt.delete(oldest);
    const events = Math.max(this.everyEvents, Math.ceil(state.length / BYTES_OF_AN_EVENT));
    this.dueAt.set(stream, version + events);
  }

  /** N2 */
  private async attempt(failed: string, stream: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.options.onTrouble(failed, stream, error);
    }
  }
}
