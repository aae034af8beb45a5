/**
 * What goes wrong, and when: at the points between two calls of a process, on the way of messages, and
 * out of a clear sky. Seeded, so that the same seed does the same harm. After the plan's last moment
 * nothing goes wrong any more, and what was taken down comes back.
 */
import type { MemoryFaults, MemoryServer } from '@writ/messaging';
import { plannedPoints } from '@writ/service-host';
import type { Failpoint, Points, Reached } from '@writ/service-host';
import type { SeededRandom } from '@writ/testing';
import type { Database } from './database';
import type { FaultPlan } from './fault-plan';
import type { Journey } from './journey';
import type { SimulatedProcess } from './simulated-process';
import type { VirtualTime } from './virtual-time';

const MINUTE_MS = 60_000;
/** A call that fails between two processes may hang a while before. */
const FAVOURED = 5;
const STOP_MS = [100, 25_000] as const;
const DELAY_MS = [1, 3_000] as const;
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
  private readonly atPoints: SeededRandom;
  private readonly onMessages: SeededRandom;
  private readonly outOfTheSky: SeededRandom;
  private ended = false;

  constructor(private readonly options: NemesisOptions) {
    const { random } = options;
    this.atPoints = random.fork();
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

  pointsOf(process: SimulatedProcess): Points {
    const { time, failpoints } = this.options;
    const planned = plannedPoints(failpoints, {
      crash: (point) => this.crash(process, point),
      stop: (point, ms) => this.stop(process, point, ms),
      delay: (_, ms) => new Promise((resolve) => void time.after(ms, resolve)),
    });
    return {
      reach: async (point) => {
        await process.gate();
        const reached = await planned.reach(point);
        const chance = await this.atRandom(process, point);
        await process.gate();
        return reached === 'again' ? reached : chance;
      },
    };
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
      one((it) => void this.crash(it, 'a kill')),
    );
    this.often(perMinute.killAll, () => {
      for (const process of victims.processes()) void this.crash(process, 'a kill of all');
    });
    this.often(
      perMinute.stop,
      one((it) => void this.stop(it, 'a stop', sky.int(...STOP_MS))),
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

  private async atRandom(process: SimulatedProcess, point: string): Promise<Reached> {
    if (!this.stormy) return 'go';
    const { crash, stop, delay, duplicate, favourites } = this.options.plan.points;
    const { atPoints } = this;
    const isFavourite = favourites.some((it) => point.includes(`.${it}`));
    const weight = isFavourite ? FAVOURED : point.includes('.read.') ? 0.05 : 1;
    if (atPoints.chance(crash * weight)) return this.crash(process, point);
    if (atPoints.chance(stop * weight)) await this.stop(process, point, atPoints.int(...STOP_MS));
    if (atPoints.chance(delay)) {
      const ms = atPoints.int(...DELAY_MS);
      this.count('delay');
      await new Promise<void>((resolve) => void this.options.time.after(ms, resolve));
    }
    const again = /\.before\.(append|send)\./.test(point) && atPoints.chance(duplicate);
    return again ? this.counted('call made twice', 'again') : 'go';
  }

  /** Never resolves. */
  private crash(process: SimulatedProcess, where: string): Promise<never> {
    if (process.alive) this.note('crash', `${process.name} crashes at ${where}`);
    process.crash();
    return new Promise<never>(() => undefined);
  }

  private async stop(process: SimulatedProcess, where: string, ms: number): Promise<void> {
    if (process.alive && !process.still) {
      this.note('standstill', `${process.name} stands still for ${ms} ms at ${where}`);
    }
    process.standStill(ms);
    await process.gate();
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
    return this.onMessages.next() * most;
  }

  private note(kind: string, what: string): void {
    this.count(kind);
    this.options.journey.note(what);
  }

  private noted<T>(kind: string, subject: string, fate: T): T {
    this.note(kind, `${kind}: ${subject}`);
    return fate;
  }

  private counted<T>(kind: string, fate: T): T {
    this.count(kind);
    return fate;
  }
}
