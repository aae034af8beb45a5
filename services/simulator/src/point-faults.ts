/**
 * What goes wrong between two calls of a process: it dies, stands still, waits, makes the call twice.
 *
 * D1 A process may die at every point that it comes by, not only at those that it comes by often: some
 *    points of each world are fatal ones.
 */
import { plannedPoints, type Points, type Reached } from '@writ/service-host';
import type { NemesisOptions } from './nemesis';
import type { SimulatedProcess } from './simulated-process';

interface PointFaultsOptions extends NemesisOptions {
  /** Whether faults may happen now. */
  readonly stormy: () => boolean;
  readonly count: (kind: string) => void;
}

/** So much worse the favourite points of a world are. */
const FAVOURED = 5;
const STOP_MS = [100, 25_000] as const;
const DELAY_MS = [1, 3_000] as const;
/** So often a fatal point is passed before it is fatal, at most. */
const MOST_PASSED = 2;

export class PointFaults {
  /** Points that processes came by, and those at which one died. */
  readonly met = new Set<string>();
  readonly deaths = new Set<string>();
  /** Points at which a process dies, and how often they are still passed before. D1 */
  private readonly fatal = new Map<string, number>();

  constructor(private readonly options: PointFaultsOptions) {}

  of(process: SimulatedProcess): Points {
    const { failpoints, stormy } = this.options;
    const planned = plannedPoints(failpoints, {
      crash: (point) => this.die(process, point),
      stop: (point, ms) => this.stop(process, point, ms),
      delay: (_, ms) => this.wait(ms),
    });
    const isPlanned = failpoints.length > 0;
    return {
      // Most of what a world does comes through here: nothing is awaited that is not needed.
      reach: async (point) => {
        if (!this.met.has(point)) this.meet(point);
        while (!process.going) await process.gate();
        const reached = isPlanned ? await planned.reach(point) : 'go';
        const chance = stormy() ? await this.atRandom(process, point) : 'go';
        while (!process.going) await process.gate();
        return reached === 'again' ? reached : chance;
      },
    };
  }

  crash(process: SimulatedProcess, where: string): void {
    if (process.alive) this.note('crash', `${process.name} crashes at ${where}`);
    process.crash();
  }

  async stop(process: SimulatedProcess, where: string, ms: number): Promise<void> {
    if (process.alive && !process.still) {
      this.note('standstill', `${process.name} stands still for ${ms} ms at ${where}`);
    }
    process.standStill(ms);
    await process.gate();
  }

  private async atRandom(process: SimulatedProcess, point: string): Promise<Reached> {
    const { plan, random, count } = this.options;
    const { crash, stop, delay, duplicate, favourites } = plan.points;
    if (this.isFatal(point)) return this.die(process, point);
    const isFavourite = favourites.some((it) => point.includes(`.${it}`));
    const weight = isFavourite ? FAVOURED : point.includes('.read.') ? 0.05 : 1;
    if (random.chance(crash * weight)) return this.die(process, point);
    if (random.chance(stop * weight)) await this.stop(process, point, random.int(...STOP_MS));
    if (random.chance(delay)) {
      count('delay');
      await this.wait(random.int(...DELAY_MS));
    }
    if (!/\.before\.(append|send)\./.test(point) || !random.chance(duplicate)) return 'go';
    count('call made twice');
    return 'again';
  }

  /** For the first time in this world. */
  private meet(point: string): void {
    this.met.add(point);
    const { plan, random } = this.options;
    if (random.chance(plan.points.fatal)) this.fatal.set(point, random.int(0, MOST_PASSED));
  }

  private isFatal(point: string): boolean {
    const left = this.fatal.get(point);
    if (left === undefined) return false;
    if (left > 0) this.fatal.set(point, left - 1);
    else this.fatal.delete(point);
    return left === 0;
  }

  /** Never resolves. */
  private die(process: SimulatedProcess, point: string): Promise<never> {
    if (process.alive) this.deaths.add(point);
    this.crash(process, point);
    return new Promise<never>(() => undefined);
  }

  private wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.options.time.after(ms, resolve));
  }

  private note(kind: string, what: string): void {
    this.options.count(kind);
    this.options.journey.note(what);
  }
}
