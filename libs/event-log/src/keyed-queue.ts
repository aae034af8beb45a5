/** Runs work of one key one after the other, work of different keys side by side. */
export class KeyedQueue {
  private readonly last = new Map<string, Promise<unknown>>();

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key);
    const own = before === undefined ? work() : before.then(work, work);
    const settled = own.then(ignore, ignore);
    this.last.set(key, settled);
    void settled.then(() => {
      if (this.last.get(key) === settled) this.last.delete(key);
    });
    return own;
  }

  /** Keys with work under way. */
  get size(): number {
    return this.last.size;
  }
}

/** Whoever asked for the work hears of its failure; the next in line does not. */
function ignore(): void {}
