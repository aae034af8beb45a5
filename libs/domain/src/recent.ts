/**
 * What was said lately, by key: at least the last `AT_LEAST`, so that a stream may grow for years and its
 * state does not. Never changes: `with` gives another one. Kept in pieces, most of which both have in
 * common: saying is done for every event of a stream, asking is rare.
 */
const PIECE = 16;
const AT_LEAST = 256;

type Piece<V> = ReadonlyMap<string, V>;

export class Recent<V> {
  private constructor(
    private readonly newest: Piece<V>,
    /** The oldest first. */
    private readonly full: readonly Piece<V>[],
  ) {}

  static empty<V>(): Recent<V> {
    return new Recent<V>(new Map(), []);
  }

  get(key: string): V | undefined {
    return this.newest.get(key) ?? this.full.findLast((piece) => piece.has(key))?.get(key);
  }

  with(key: string, value: V): Recent<V> {
    if (this.newest.size < PIECE)
      return new Recent(new Map(this.newest).set(key, value), this.full);
    const full = [...this.full.slice(1 - AT_LEAST / PIECE), this.newest];
    return new Recent(new Map([[key, value]]), full);
  }
}
