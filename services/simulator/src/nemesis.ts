/**
 * What goes wrong, and when: on the way of messages, and out of a clear sky; between two calls of a
 * process it is `point-faults.ts`. Seeded, so that the same seed does the same harm. After the plan's
 * last moment nothing goes wrong any more, and what was taken down comes back.
 */
import type { MemoryFaults, MemoryServer } from '@writ/messaging';
import type { Failpoint } from '@writ/service-host';
import type { SeededRandom } from '@writ/testing';
import type { Database } from './database';
import type { FaultPlan } from './fault-plan';
import type { Journey } from './journey';
import { PointFaults } from './point-faults';
import type { SimulatedProcess } from './simulated-process';
import type { VirtualTime } from './virtual-time';

const MINUTE_MS = 60_000;
const STOP_MS = [100, 25_000] as const;
const AWAY_MS = [200, 20_000] as const;
const LONG_AWAY_MS = [30_000, 120_000] as const;
const JUMP_MS = 400 * 24 * 3_600_000;
/** In every state of the world messages are a little late, and so out of order. */
const JITTER_MS = 4;

export interface Victims {
  processes(): SimulatedProcess[];
  /** SIGTERM, and a new one. */
  restart(process: SimulatedProcess): void;
}

export interface NemesisOptions {
  readonly plan: FaultPlan;
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly journey: Journey;
  /** Planned by name, besides what chance brings. */
  readonly failpoints: readonly Failpoint[];
}

export class Nemesis {
  /** How many faults there were, by kind. */
  readonly counts = new Map<string, number>();
  readonly points: PointFaults;
  /** Before then something of the storm may still be on its way. */
  lastArrivalMs = 0;
  private readonly onMessages: SeededRandom;
  private readonly outOfTheSky: SeededRandom;
  private ended = false;

  constructor(private readonly options: NemesisOptions) {
    const { random } = options;
    this.points = new PointFaults({
      ...{ ...options, random: random.fork(), stormy: () => this.stormy },
      count: (kind) => this.count(kind),
    });
    this.onMessages = random.fork();
    this.outOfTheSky = random.fork();
  }

  get stormy(): boolean {
    return !this.ended && this.options.time.nowMs < this.options.plan.untilMs;
  }

  /** No fault begins any more, whatever the plan says. */
  end(): void {
    this.ended = true;
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** Something arrives so much later, whatever becomes of those who sent it. */
  isOnItsWay(ms: number): void {
    this.lastArrivalMs = Math.max(this.lastArrivalMs, this.options.time.nowMs + ms);
  }

  /** On every message's way, as the server of the world wants them. */
  readonly messages: MemoryFaults = {
    send: ({ subject }) => {
      const { drop, refuse, copy } = this.network;
      if (this.happens(refuse)) return this.noted('send refused', subject, { refuse: true });
      // What is stored in a file is not lost; what was not acknowledged is sent again.
      const inFile = /^writ\.(command|dead)\./.test(subject);
      if (!inFile && this.happens(drop)) return this.noted('message lost', subject, { drop: true });
      const copies = this.happens(copy) ? this.onMessages.int(1, 2) : 0;
      return { copies, ...(this.happens(0.2) ? { delayMs: this.delayMs() } : {}) };
    },
    deliver: ({ subject }) => {
      const { drop, copy } = this.network;
      if (this.happens(drop)) return this.noted('delivery lost', subject, { drop: true });
      return { copies: this.happens(copy) ? 1 : 0, delayMs: this.delayMs() };
    },
    ack: ({ subject }) => {
      if (!this.happens(this.network.lostAck)) return {};
      return this.noted('acknowledgement lost', subject, { drop: true });
    },
    pass: ({ subject }) => {
      const { drop, copy } = this.network;
      if (this.happens(drop)) return this.noted('broadcast lost', subject, { drop: true });
      return { copies: this.happens(copy) ? 1 : 0, delayMs: this.delayMs() };
    },
  };

  /** What comes out of a clear sky, from now to the end of the plan. */
  begin(victims: Victims, database: Database, server: MemoryServer): void {
    const { plan, journey } = this.options;
    const { perMinute } = plan;
    const sky = this.outOfTheSky;
    const one = (act: (process: SimulatedProcess) => void) => () => {
      const processes = victims.processes();
      if (processes.length > 0) act(sky.pick(processes));
    };
    this.often(
      perMinute.kill,
      one((it) => this.points.crash(it, 'a kill')),
    );
    this.often(perMinute.killAll, () => {
      for (const process of victims.processes()) this.points.crash(process, 'a kill of all');
    });
    this.often(
      perMinute.stop,
      one((it) => void this.points.stop(it, 'a stop', sky.int(...STOP_MS))),
    );
    this.often(
      perMinute.restart,
      one((process) => {
        this.note('restart', `${process.name} is told to stop`);
        victims.restart(process);
      }),
    );
    this.often(
      perMinute.jump,
      one((process) => {
        const ms = sky.int(-JUMP_MS, JUMP_MS);
        this.note('clock jump', `the clock of ${process.name} jumps by ${ms} ms`);
        process.jump(ms);
      }),
    );
    this.often(perMinute.wipe, () => {
      this.note('wipe', 'the storage of the message server is wiped');
      server.wipe();
    });
    this.often(perMinute.databaseAway, () => {
      const ms = sky.chance(0.15) ? sky.int(...LONG_AWAY_MS) : sky.int(...AWAY_MS);
      this.note('database away', `the database is away for ${ms} ms`);
      database.goAway(ms);
    });
    this.often(
      perMinute.cut,
      one((process) => {
        const ms = sky.int(...AWAY_MS);
        this.note('cut', `${process.name} cannot reach the database for ${ms} ms`);
        database.cut(process, ms);
      }),
    );
    journey.note(`the storm lasts ${plan.untilMs} ms`);
  }

  private often(perMinute: number, act: () => void): void {
    if (perMinute === 0) return;
    const { time } = this.options;
    const next = () => {
      const ms = (-Math.log(1 - this.outOfTheSky.next()) * MINUTE_MS) / perMinute;
      time.after(ms, () => {
        if (!this.stormy) return;
        act();
        next();
      });
    };
    next();
  }

  private get network(): FaultPlan['network'] {
    return this.options.plan.network;
  }

  private happens(probability: number): boolean {
    return this.stormy && this.onMessages.chance(probability);
  }

  private delayMs(): number {
    const { delay, longestDelayMs } = this.network;
    const most = this.happens(delay) ? longestDelayMs : JITTER_MS;
    const delayMs = this.onMessages.next() * most;
    this.isOnItsWay(delayMs);
    return delayMs;
  }

  private note(kind: string, what: string): void {
    this.count(kind);
    this.options.journey.note(what);
  }

  private noted<T>(kind: string, subject: string, fate: T): T {
    this.note(kind, `${kind}: ${subject}`);
    return fate;
  }
}
