/**
 * The database of the simulated world: the log, and beside it leases, reservations, read models and
 * seats. Owns what may happen between a process and it; what it keeps is right at any time.
 *
 * B1 A call is a request on its way, its work in one moment, and a reply on its way. A process that
 *    dies or stands still changes nothing about a request that is on its way.
 * B2 A call that fails was not done, was done, or will be done later; which, the caller cannot tell.
 */
import { finalStatuses, pause, Unavailable, VersionConflict } from '@writ/contracts';
import type { Clock, DirectiveStatus } from '@writ/contracts';
import { LogUnavailable, MemoryLog, MemorySeats, MemorySnapshotTable } from '@writ/event-log';
import type { Append, EventLog, Seats, SnapshotTable, StoredEvent } from '@writ/event-log';
import {
  leaseTable,
  MemoryCacheTable,
  MemoryLeases,
  reservationTable,
  runRows,
} from '@writ/executor';
import type { CachedOutcome, CacheTable, Leases } from '@writ/executor';
import type { PlannerParts } from '@writ/planner';
import type { SeededRandom } from '@writ/testing';
import type { FaultPlan } from './fault-plan';
import type { Journey } from './journey';
import { SimulatedTables } from './memory-tables';
import type { SimulatedProcess } from './simulated-process';
import type { VirtualTime } from './virtual-time';

/** How long a call waits for a database that does not answer. */
const PATIENCE_MS = 3_000;
const LATEST_MS = 15_000;

export interface DatabaseOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly faults: FaultPlan['database'];
  /** Whether faults may happen now. */
  readonly stormy: () => boolean;
  /** Counts a fault. */
  readonly count: (kind: string) => void;
  /** A request arrives so much later. */
  readonly isOnItsWay: (ms: number) => void;
  readonly journey: Journey;
  /** Stands in the way of appends: for mutants. */
  readonly append?: (log: MemoryLog) => EventLog['append'];
}

type Kind = 'read' | 'write';

/** A driver's own error, where nobody has made a better one of it. */
class ConnectionLost extends Error {}

interface CallOptions {
  readonly mayBeLate?: boolean;
  readonly fails?: new (message: string) => Error;
}

const OF_LOG: CallOptions = { fails: LogUnavailable };
const OF_EXECUTOR: CallOptions = { fails: Unavailable };

export class Database {
  readonly log: MemoryLog;
  readonly leases;
  readonly reservations;
  readonly tables = new SimulatedTables();
  readonly snapshots: SnapshotTable = new MemorySnapshotTable();
  readonly seats = new MemorySeats(this.tables);
  private readonly clock: Clock;
  private awayUntil = 0;
  private readonly cutUntil = new Map<SimulatedProcess, number>();

  constructor(private readonly options: DatabaseOptions) {
    const { time } = options;
    this.clock = time.clock;
    this.log = new MemoryLog({ now: () => time.date() });
    const now = () => time.date().getTime();
    this.leases = leaseTable(now);
    this.reservations = reservationTable(now);
  }

  /** It is stopped and started again: whoever is connected loses the connection. */
  goAway(ms: number): void {
    this.awayUntil = Math.max(this.awayUntil, this.options.time.nowMs + ms);
  }

  /** One process cannot reach it for so long. */
  cut(process: SimulatedProcess, ms: number): void {
    this.cutUntil.set(process, this.options.time.nowMs + ms);
  }

  logFor(process: SimulatedProcess): EventLog {
    const { log } = this;
    const recording = this.options.append?.(log) ?? ((asked) => log.append(asked));
    const append: EventLog['append'] = async (asked) => {
      const { position } = await log.head();
      const stored = await recording(asked);
      const isNew = (stored[0]?.position ?? 0) > position;
      if (isNew) this.options.journey.note(`${process.name} appends ${described(stored)}`);
      return stored;
    };
    const read = <T>(work: () => Promise<T>) => this.call(process, 'read', work, OF_LOG);
    return {
      append: (asked) => this.call(process, 'write', () => append(asked), OF_LOG),
      appendInOrder: (asked) => this.call(process, 'write', () => inOrder(asked, append), OF_LOG),
      readStream: (stream, asked) => read(() => log.readStream(stream, asked)),
      readAll: (asked) => read(() => log.readAll(asked)),
      lastEvents: (streams) => read(() => log.lastEvents(streams)),
      head: () => read(() => log.head()),
      close: () => Promise.resolve(),
    };
  }

  leasesFor(process: SimulatedProcess, executorId: string, ttlMs: number): Leases {
    const leases = new MemoryLeases(this.leases, executorId, ttlMs);
    const write = <T>(work: () => Promise<T>) => this.call(process, 'write', work, OF_EXECUTOR);
    return {
      ttlMs,
      acquire: (runId) => write(() => leases.acquire(runId)),
      renew: (held) => write(() => leases.renew(held)),
      release: (lease) => write(() => leases.release(lease)),
      expire: (lease) => write(() => leases.expire(lease)),
      living: (runIds) => this.call(process, 'read', () => leases.living(runIds), OF_EXECUTOR),
    };
  }

  cacheTableFor(process: SimulatedProcess, ttlMs: number): CacheTable {
    const { log, reservations, tables } = this;
    const table = new MemoryCacheTable({
      ...{ log, reservations, ttlMs },
      upTo: () => this.seats.positionOf(runRows),
      success: (hash) => {
        const row = tables.row('run_cache', hash);
        if (row === undefined) return undefined;
        const outcome = JSON.parse(String(row['outcome'])) as CachedOutcome;
        return { runId: String(row['run_id']), outcome };
      },
    });
    const write = <T>(work: () => Promise<T>) => this.call(process, 'write', work, OF_EXECUTOR);
    return {
      ask: (question) => write(() => table.ask(question)),
      renew: (held) => write(() => table.renew(held)),
      release: (held) => write(() => table.release(held)),
      position: () => this.call(process, 'read', () => table.position(), OF_EXECUTOR),
    };
  }

  rowsFor(process: SimulatedProcess): PlannerParts['rows'] {
    const { tables } = this;
    const over: readonly unknown[] = [...finalStatuses, 'draft'];
    const byAge = (one: Record<string, unknown>, other: Record<string, unknown>) =>
      String(one['created_at']) < String(other['created_at']) ? -1 : 1;
    return {
      list: () => Promise.reject(new Error('nobody lists directives in the simulator')),
      unfinished: () =>
        this.call(process, 'read', async () => {
          const rows = tables.rows('directive').filter((row) => !over.includes(row['status']));
          const ids = rows.sort(byAge).map((row) => String(row['id']));
          const versions = rows.map((row) => Number(row['version']));
          return { ids, versions, now: this.options.time.date().toISOString() };
        }),
      now: () => this.call(process, 'read', async () => this.options.time.date().toISOString()),
      countByStatus: () =>
        this.call(process, 'read', async () =>
          tables
            .rows('directive')
            .map(({ status }) => ({ status: status as DirectiveStatus, count: 1 })),
        ),
    };
  }

  approvalsFor(process: SimulatedProcess): PlannerParts['approvals'] {
    return {
      list: () => Promise.reject(new Error('nobody lists approvals in the simulator')),
      countPending: () =>
        this.call(process, 'read', async () => {
          const pending = this.tables.rows('approval').filter((it) => it['status'] === 'pending');
          return { count: pending.length, oldestSeconds: 0 };
        }),
    };
  }

  snapshotsFor(process: SimulatedProcess): SnapshotTable {
    const { snapshots } = this;
    const write = <T>(work: () => Promise<T>) => this.call(process, 'write', work);
    return {
      read: (stream) => this.call(process, 'read', () => snapshots.read(stream)),
      write: (snapshot) => write(() => snapshots.write(snapshot)),
      remove: (snapshot) => write(() => snapshots.remove(snapshot)),
      streams: (after, limit) => this.call(process, 'read', () => snapshots.streams(after, limit)),
      clear: () => write(() => snapshots.clear()),
    };
  }

  /** A seat is lost with the connection that it is on. */
  seatsFor(process: SimulatedProcess): Seats {
    const own = (): [Seats, object] => {
      const owner = {};
      process.onGone(() => this.seats.leave(owner));
      return [this.seats.of(owner), owner];
    };
    const guarded = async <T>(kind: Kind, owner: object, work: () => Promise<T>): Promise<T> => {
      // A connection whose process has gone meanwhile is no connection.
      const leaving = () => (process.alive ? undefined : this.seats.leave(owner));
      try {
        return await this.call(process, kind, () => work().finally(leaving), { mayBeLate: false });
      } catch (error) {
        this.seats.leave(owner);
        throw error;
      }
    };
    return {
      relay: () => {
        const [seats, owner] = own();
        const seat = seats.relay();
        return {
          get holds() {
            return seat.holds;
          },
          tryHold: () => guarded('write', owner, () => seat.tryHold()),
          cursor: () => guarded('read', owner, () => seat.cursor()),
          save: (position) => guarded('write', owner, () => seat.save(position)),
          close: () => seat.close(),
        };
      },
      projection: async (projection) => {
        const [seats, owner] = own();
        const seat = await guarded('read', owner, () => seats.projection(projection));
        return {
          take: () => guarded('write', owner, () => seat.take()),
          advance: (page, from) => guarded('write', owner, () => seat.advance(page, from)),
          close: () => seat.close(),
        };
      },
    };
  }

  /** B1, B2 */
  private async call<T>(
    process: SimulatedProcess,
    kind: Kind,
    work: () => Promise<T>,
    { mayBeLate = true, fails: Trouble = ConnectionLost }: CallOptions = {},
  ): Promise<T> {
    const { random, faults } = this.options;
    await this.wire(kind);
    const stormy = this.options.stormy();
    if (this.isAwayFor(process)) {
      await pause(this.clock, random.int(0, PATIENCE_MS));
      throw new Trouble('the database cannot be reached');
    }
    const happens = (kind: string, probability: number): boolean => {
      if (!stormy || !random.chance(probability)) return false;
      this.options.count(kind);
      return true;
    };
    if (happens('no reply', faults.fail)) throw new Trouble('the connection was reset');
    if (kind === 'write' && mayBeLate && happens('late', faults.late)) {
      const ms = random.int(1, LATEST_MS);
      this.options.isOnItsWay(ms);
      this.clock.after(ms, () => void work().catch(refusedOnly));
      throw new Trouble('there was no reply in time');
    }
    const done = await work();
    if (kind === 'write' && happens('lost reply', faults.lostReply)) {
      throw new Trouble('the reply was lost');
    }
    await this.wire(kind);
    return done;
  }

  /** Many requests and replies are there at once: most of those that only read. */
  private async wire(kind: Kind): Promise<void> {
    const { random } = this.options;
    if (random.chance(kind === 'read' ? 0.8 : 0.4)) return;
    await pause(this.clock, random.next() * (random.chance(0.05) ? 50 : 3));
  }

  private isAwayFor(process: SimulatedProcess): boolean {
    const { nowMs } = this.options.time;
    return nowMs < this.awayUntil || nowMs < (this.cutUntil.get(process) ?? 0);
  }
}

function described(stored: readonly StoredEvent[]): string {
  const [{ stream, version } = { stream: '', version: 0 }] = stored;
  return `${stored.map(({ type }) => type).join(', ')} to ${stream}, from version ${version}`;
}

/** What comes too late is refused like anything else. */
function refusedOnly(error: unknown): void {
  if (!(error instanceof VersionConflict)) throw error;
}

/** As the log does, by way of the append of this world. */
async function inOrder(
  appends: readonly Append[],
  append: EventLog['append'],
): Promise<StoredEvent[][]> {
  const stored: StoredEvent[][] = [];
  for (const each of appends) {
    try {
      stored.push(await append(each));
    } catch (error) {
      if (error instanceof VersionConflict) break;
      throw error;
    }
  }
  return stored;
}
