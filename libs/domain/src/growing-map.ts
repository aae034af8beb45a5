/**
 * A map for states: `withEntry` gives another one with one entry more, or a newer value, and leaves
 * the one before as it was. Owns that this costs a few short arrays however many entries there are: a
 * state that copied a map for every event would make a long stream cost the square of its length.
 * Entries stay in the order in which their keys came first; nothing is ever taken out.
 *
 * M1 A map never changes.
 * M2 Of few entries it is a Map, which is copied faster than anything else is built.
 */
export function withEntry<V>(
  map: ReadonlyMap<string, V>,
  key: string,
  value: V,
): ReadonlyMap<string, V> {
  if (map instanceof GrowingMap) return (map as GrowingMap<V>).with(key, value);
  const copy = new Map(map).set(key, value);
  return copy.size <= FEW ? copy : GrowingMap.of(copy); // M2
}

const FEW = 32;

interface Entry<V> {
  readonly key: string;
  readonly value: V;
  /** In the order of the entries. */
  readonly place: number;
}

/** Entries whose keys have the same hash. */
type Bucket<V> = readonly Entry<V>[];
type Twig<V> = readonly (Bucket<V> | undefined)[];
type Branch<V> = readonly (Twig<V> | undefined)[];
type Root<V> = readonly (Branch<V> | undefined)[];

/** Three levels of it: 32,768 buckets. */
const WIDTH = 32;
const EMPTY: readonly undefined[] = new Array<undefined>(WIDTH).fill(undefined);

export class GrowingMap<V> implements ReadonlyMap<string, V> {
  private constructor(
    private readonly root: Root<V>,
    readonly size: number,
  ) {}

  static of<V>(entries: Iterable<readonly [string, V]>): GrowingMap<V> {
    let map = new GrowingMap<V>(EMPTY, 0);
    for (const [key, value] of entries) map = map.with(key, value);
    return map;
  }

  with(key: string, value: V): GrowingMap<V> {
    const [first, second, third] = wayTo(key);
    const branch = this.root[first] ?? EMPTY;
    const twig = branch[second] ?? EMPTY;
    const bucket: Bucket<V> = twig[third] ?? [];
    const at = bucket.findIndex((entry) => entry.key === key);
    const entry = { key, value, place: bucket[at]?.place ?? this.size };
    const after = at < 0 ? [...bucket, entry] : bucket.with(at, entry);
    const root = this.root.with(first, branch.with(second, twig.with(third, after)));
    return new GrowingMap(root, at < 0 ? this.size + 1 : this.size);
  }

  get(key: string): V | undefined {
    return this.find(key)?.value;
  }

  has(key: string): boolean {
    return this.find(key) !== undefined;
  }

  forEach(call: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) call(value, key, this);
  }

  entries(): ArrayIterator<[string, V]> {
    return this.inOrder()
      .map(({ key, value }): [string, V] => [key, value])
      .values();
  }

  keys(): ArrayIterator<string> {
    return this.inOrder()
      .map(({ key }) => key)
      .values();
  }

  values(): ArrayIterator<V> {
    return this.inOrder()
      .map(({ value }) => value)
      .values();
  }

  [Symbol.iterator](): ArrayIterator<[string, V]> {
    return this.entries();
  }

  private find(key: string): Entry<V> | undefined {
    const [first, second, third] = wayTo(key);
    return this.root[first]?.[second]?.[third]?.find((entry) => entry.key === key);
  }

  private inOrder(): Entry<V>[] {
    const all = new Array<Entry<V>>(this.size);
    for (const branch of this.root) {
      for (const twig of branch ?? []) {
        for (const bucket of twig ?? []) {
          for (const entry of bucket ?? []) all[entry.place] = entry;
        }
      }
    }
    return all;
  }
}

/** FNV-1a: fifteen bits of it, five for each level. */
function wayTo(key: string): [number, number, number] {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  hash ^= hash >>> 15;
  return [hash & 31, (hash >>> 5) & 31, (hash >>> 10) & 31];
}
