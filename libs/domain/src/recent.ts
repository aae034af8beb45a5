/**
 * What was said lately, by key: at least the last `AT_LEAST`, at most twice as many, so that a stream
 * may grow for years and its state does not. Never changes: `with` gives another one.
 */
const AT_LEAST = 256;

export class Recent<V> {
  private constructor(
    private readonly newer: ReadonlyMap<string, V>,
    private readonly older: ReadonlyMap<string, V>,
  ) {}

  static empty<V>(): Recent<V> {
    return new Recent<V>(new Map(), new Map());
  }

  get(key: string): V | undefined {
    return this.newer.get(key) ?? this.older.get(key);
  }

  with(key: string, value: V): Recent<V> {
    if (this.newer.size >= AT_LEAST) return new Recent(new Map([[key, value]]), this.newer);
    return new Recent(new Map(this.newer).set(key, value), this.older);
  }
}
