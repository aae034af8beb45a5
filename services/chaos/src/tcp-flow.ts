/**
 * One direction of one connection through a proxy. Owns the order and the time of its bytes.
 *
 * W1 Bytes leave in the order in which they came, whatever was switched on or off in between; the end
 *    of a stream is one of them.
 * W2 While it is stalled nothing leaves, not even the news that the other side is gone.
 * W3 What waits in it is bounded: above that nothing more is read.
 */
import type { Socket } from 'node:net';
import type { SeededRandom } from '@writ/testing';

/** What goes wrong in one direction. */
export interface Weather {
  readonly delayMs: number;
  /** Up to so much more, by chance. */
  readonly jitterMs: number;
  readonly bytesPerSecond: number;
  readonly stalled: boolean;
}

export const fairWeather: Weather = {
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: Infinity,
  stalled: false,
};

type Item =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly dueMs: number }
  | { readonly kind: 'end' | 'gone'; readonly dueMs: number };

const MOST_WAITING_BYTES = 256 * 1024;
/** A slow line passes on so many pieces a second. */
const PIECES_A_SECOND = 20;

export class TcpFlow {
  private readonly items: Item[] = [];
  private waitingBytes = 0;
  private lastDueMs = 0;
  private lineFreeMs = 0;
  private isBlocked = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly weather: () => Weather,
    private readonly random: SeededRandom,
    private readonly passed: (bytes: number) => void,
  ) {
    from.on('data', (bytes: Buffer) => this.take(bytes));
    from.on('end', () => this.queue({ kind: 'end', dueMs: this.due() }));
    from.on('close', () => this.queue({ kind: 'gone', dueMs: this.due() }));
    to.on('drain', () => {
      this.isBlocked = false;
      this.pump();
    });
  }

  /** The weather is another one. */
  wake(): void {
    this.pump();
  }

  close(): void {
    clearTimeout(this.timer);
    this.items.length = 0;
  }

  private take(bytes: Buffer): void {
    this.waitingBytes += bytes.length;
    if (this.waitingBytes > MOST_WAITING_BYTES) this.from.pause(); // W3
    this.queue({ kind: 'bytes', bytes, dueMs: this.due() });
  }

  /** W1 */
  private due(): number {
    const { delayMs, jitterMs } = this.weather();
    const due = performance.now() + delayMs + jitterMs * this.random.next();
    this.lastDueMs = Math.max(this.lastDueMs, due);
    return this.lastDueMs;
  }

  private queue(item: Item): void {
    this.items.push(item);
    this.pump();
  }

  private pump(): void {
    clearTimeout(this.timer);
    while (!this.weather().stalled && !this.isBlocked) {
      const item = this.items[0];
      if (item === undefined) return;
      const waitMs = Math.max(item.dueMs, this.lineFreeMs) - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.items.shift();
      if (item.kind === 'bytes') this.pass(item.bytes, item.dueMs);
      else if (item.kind === 'end') this.to.end();
      else this.to.destroy();
    }
  }

  private pass(bytes: Buffer, dueMs: number): void {
    const { bytesPerSecond } = this.weather();
    const piece = Math.max(1, Math.floor(bytesPerSecond / PIECES_A_SECOND));
    const now = bytes.subarray(0, piece);
    if (now.length < bytes.length) {
      this.items.unshift({ kind: 'bytes', bytes: bytes.subarray(piece), dueMs });
    }
    this.lineFreeMs = performance.now() + (now.length * 1000) / bytesPerSecond;
    this.waitingBytes -= now.length;
    if (this.waitingBytes <= MOST_WAITING_BYTES && this.from.isPaused()) this.from.resume();
    this.passed(now.length);
    if (!this.to.destroyed && this.to.writable) this.isBlocked = !this.to.write(now);
  }
}
