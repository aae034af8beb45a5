import type { Snapshot, SnapshotTable } from './snapshot-table';

export interface SnapshotTableWorld {
  readonly table: SnapshotTable;
  close(): Promise<void>;
}

/** What every implementation of SnapshotTable does. */
export function snapshotTableConformance(open: () => Promise<SnapshotTableWorld>): void {
  let world: SnapshotTableWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  const snapshot = (more: Partial<Snapshot> = {}): Snapshot => ({
    ...{ stream: 'directive-a', version: 500, position: 70_000, hash: 'f'.repeat(64), shape: 1 },
    state: JSON.stringify({ text: 'Grüße, \u{1F600}, \u0000'.repeat(1_000) }),
    ...more,
  });

  it('gives back what was written, and nothing of a stream that has none', async () => {
    await world.table.write(snapshot());
    expect(await world.table.read('directive-a')).toEqual(snapshot());
    expect(await world.table.read('directive-b')).toBeUndefined();
  });

  it('keeps one for each stream, the latest that was written', async () => {
    await world.table.write(snapshot({ version: 900 }));
    await world.table.write(snapshot({ version: 500, shape: 2, state: '{}' }));
    expect(await world.table.read('directive-a')).toEqual(snapshot({ shape: 2, state: '{}' }));
  });

  it('removes the one that was meant, not what has taken its place', async () => {
    await world.table.write(snapshot());
    await world.table.remove(snapshot({ version: 499 }));
    await world.table.remove(snapshot({ shape: 7 }));
    await world.table.remove(snapshot({ stream: 'directive-b' }));
    expect(await world.table.read('directive-a')).toBeDefined();
    await world.table.remove(snapshot());
    expect(await world.table.read('directive-a')).toBeUndefined();
  });

  it('lists its streams by name, and clears them all', async () => {
    for (const name of ['c', 'a', 'B', 'b']) {
      await world.table.write(snapshot({ stream: `directive-${name}` }));
    }
    const listed = await world.table.streams('', 3);
    expect(listed).toEqual(['directive-B', 'directive-a', 'directive-b']);
    expect(await world.table.streams('directive-b', 3)).toEqual(['directive-c']);
    await world.table.clear();
    expect(await world.table.streams('', 3)).toEqual([]);
  });
}
