/** Folded streams in memory, the least recently used forgotten first. Never behind what it was given. */

export interface Aggregate<S> {
  readonly state: S;
  /** Of the stream; 0 when it does not exist. */
  readonly version: number;
  /** Of the stream's last event in the log; 0 when there is none. */
  readonly position: number;
}

export class AggregateCache<S> {
  private readonly byStream = new Map<string, Aggregate<S>>();

  constructor(private readonly capacity: number) {}

  get(stream: string): Aggregate<S> | undefined {
    const found = this.byStream.get(stream);
    if (found !== undefined) {
      this.byStream.delete(stream); // a Map keeps the order of insertion: now the newest
      this.byStream.set(stream, found);
    }
    return found;
  }

  /** Two folds of one stream differ in how far they got only, so the longer one is kept. */
  put(stream: string, aggregate: Aggregate<S>): void {
    const known = this.get(stream);
    if (known !== undefined && known.version >= aggregate.version) return;
    this.byStream.set(stream, aggregate);
    if (this.byStream.size <= this.capacity) return;
    const [oldest] = this.byStream.keys();
    if (oldest !== undefined) this.byStream.delete(oldest);
  }

  delete(stream: string): void {
    this.byStream.delete(stream);
  }

  get size(): number {
    return this.byStream.size;
  }
}
