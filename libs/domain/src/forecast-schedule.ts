/**
 * How long a chain takes when it is known how long each step does: steps start as soon as what they
 * wait for has ended, in the order of the chain, so many at a time, and where they share a group or a
 * key as many of those as may. Made for being asked hundreds of times about one chain.
 */
import type { Limits, PlannedStep } from '@writ/contracts';

export type ScheduledStep = Pick<PlannedStep, 'name' | 'dependsOn' | 'group' | 'concurrencyKey'>;

export class Schedule {
  private readonly dependents: readonly (readonly number[])[];
  private readonly waitsFor: Int32Array;
  /** An order in which every step stands behind what it waits for. */
  private readonly inOrder: readonly number[];
  private readonly rooms: Rooms;

  /** Of a sound chain: what waits for itself never starts, and takes no time here. */
  constructor(steps: readonly ScheduledStep[], groups: Limits['groups'] = {}) {
    this.rooms = roomsOf(steps, groups);
    const index = new Map(steps.map(({ name }, at) => [name, at]));
    const dependents = steps.map((): number[] => []);
    this.waitsFor = new Int32Array(steps.length);
    steps.forEach(({ dependsOn }, at) => {
      for (const name of new Set(dependsOn)) {
        const dependency = index.get(name);
        if (dependency === undefined) continue;
        dependents[dependency]?.push(at);
        this.waitsFor[at] = (this.waitsFor[at] ?? 0) + 1;
      }
    });
    this.dependents = dependents;
    const left = this.waitsFor.slice();
    const inOrder = steps.map((_, at) => at).filter((at) => left[at] === 0);
    for (const at of inOrder) {
      for (const dependent of dependents[at] ?? []) {
        left[dependent] = (left[dependent] ?? 0) - 1;
        if (left[dependent] === 0) inOrder.push(dependent);
      }
    }
    this.inOrder = inOrder;
  }

  /** From the first start to the last end, with at most `parallel` steps at a time. */
  durationOf(durations: Float64Array, parallel: number): number {
    const left = this.waitsFor.slice();
    const ready = new Heap();
    const running = new Heap();
    const { of: roomsOfStep, sizes } = this.rooms;
    const used = new Int32Array(sizes.length);
    let kept: number[] = [];
    left.forEach((count, at) => {
      if (count === 0) ready.push(at, at);
    });
    let now = 0;
    for (;;) {
      while (running.size < parallel && ready.size > 0) {
        const { item } = ready.pop();
        const rooms = roomsOfStep[item] ?? [];
        if (rooms.some((room) => (used[room] ?? 0) >= (sizes[room] ?? 0))) {
          kept.push(item);
          continue;
        }
        for (const room of rooms) used[room] = (used[room] ?? 0) + 1;
        running.push(now + (durations[item] ?? 0), item);
      }
      if (running.size === 0) return now;
      const { key, item } = running.pop();
      now = key;
      for (const room of roomsOfStep[item] ?? []) used[room] = (used[room] ?? 0) - 1;
      for (const waiting of kept) ready.push(waiting, waiting);
      kept = [];
      for (const dependent of this.dependents[item] ?? []) {
        left[dependent] = (left[dependent] ?? 0) - 1;
        if (left[dependent] === 0) ready.push(dependent, dependent);
      }
    }
  }

  /** The longest way through the chain: nothing that goes on side by side makes it shorter. */
  criticalPathOf(durations: Float64Array): number {
    const ends = new Float64Array(durations.length);
    let longest = 0;
    for (const at of this.inOrder) {
      const end = (ends[at] ?? 0) + (durations[at] ?? 0);
      longest = Math.max(longest, end);
      for (const dependent of this.dependents[at] ?? []) {
        ends[dependent] = Math.max(ends[dependent] ?? 0, end);
      }
    }
    return longest;
  }
}

/** What steps share, with how many of them may run at once. */
interface Rooms {
  /** By the index of a step. */
  readonly of: readonly (readonly number[])[];
  readonly sizes: readonly number[];
}

function roomsOf(steps: readonly ScheduledStep[], groups: Limits['groups'] = {}): Rooms {
  const sizes: number[] = [];
  const known = new Map<string, number>();
  const roomOf = (name: string, size: number): number => {
    const room = known.get(name) ?? sizes.push(size) - 1;
    known.set(name, room);
    return room;
  };
  const of = steps.map(({ group, concurrencyKey }) => {
    const size = group === undefined ? undefined : groups[group];
    return [
      ...(size === undefined ? [] : [roomOf(`group ${group}`, size)]),
      ...(concurrencyKey === undefined ? [] : [roomOf(`key ${concurrencyKey}`, 1)]),
    ];
  });
  return { of, sizes };
}

/** Gives what has the smallest key first. */
class Heap {
  private readonly keys: number[] = [];
  private readonly items: number[] = [];

  get size(): number {
    return this.keys.length;
  }

  push(key: number, item: number): void {
    let at = this.keys.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.keyAt(parent) <= key) break;
      this.put(at, this.keyAt(parent), this.itemAt(parent));
      at = parent;
    }
    this.put(at, key, item);
  }

  /** Of a heap that is not empty. */
  pop(): { key: number; item: number } {
    const top = { key: this.keyAt(0), item: this.itemAt(0) };
    const key = this.keys.pop() ?? 0;
    const item = this.items.pop() ?? 0;
    const size = this.keys.length;
    if (size === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.keyAt(child + 1) < this.keyAt(child)) child += 1;
      if (this.keyAt(child) >= key) break;
      this.put(at, this.keyAt(child), this.itemAt(child));
      at = child;
    }
    this.put(at, key, item);
    return top;
  }

  private put(at: number, key: number, item: number): void {
    this.keys[at] = key;
    this.items[at] = item;
  }

  private keyAt(at: number): number {
    return this.keys[at] ?? Infinity;
  }

  private itemAt(at: number): number {
    return this.items[at] ?? 0;
  }
}
