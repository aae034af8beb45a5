/**
 * Time that passes only when it is told to. Owns the order of everything in the simulator: what is due
 * is called one after the other, and what follows from one call at once (promises) has come to rest
 * before the next.
 *
 * T1 Calls come in order of their time; of two at the same time the one that was asked for first.
 * T2 No time passes while a call and what follows from it is under way.
 */
import type { Clock } from '@writ/contracts';

interface Due {
  readonly at: number;
  readonly order: number;
  /** Undefined once it was taken back. */
  call: (() => void) | undefined;
}

const START = Date.parse('2026-01-01T00:00:00.000Z');

export class VirtualTime {
  /** So many calls were made. */
  steps = 0;
  /** Milliseconds since the start. */
  nowMs = 0;
  private readonly heap: Due[] = [];
  private order = 0;

  /** The time of the world: of the database, of the message server, of the machine. */
  readonly clock: Clock = {
    now: () => this.nowMs,
    time: () => this.date().toISOString(),
    after: (ms, call) => this.after(ms, call),
  };

  /** Ahead of the world's by so much, or behind it. */
  date(offsetMs = 0): Date {
    return new Date(START + this.nowMs + offsetMs);
  }

  after(ms: number, call: () => void): () => void {
    this.order += 1;
    const due: Due = { at: this.nowMs + Math.max(0, ms), order: this.order, call };
    this.push(due);
    return () => {
      due.call = undefined;
    };
  }

  /** Lets time pass until that moment, or until nothing is due any more, or it is done. */
  async runUntil(atMs: number, done: () => boolean = () => false): Promise<void> {
    await breath();
    for (;;) {
      const next = this.heap[0];
      if (next === undefined || next.at > atMs) break;
      this.pop();
      const { call } = next;
      if (call === undefined) continue;
      this.nowMs = next.at;
      this.steps += 1;
      call();
      await (this.steps % BREATH === 0 ? breath() : rest());
      if (done()) return;
    }
    this.nowMs = Math.max(this.nowMs, atMs);
  }

  private push(due: Due): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(due);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (one: Due, other: Due): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/**
 * Until no promise is left that could go on by itself: asked for by one of them, as always here but
 * after `breath`, its turn comes after all of them.
 */
const rest = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** So often the process gets to do what else it has to do. */
const BREATH = 500;
const breath = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
