import { isRefusal, type RecordedEvent } from '@writ/contracts';
import type { Decider, SnapshotForm } from '@writ/domain';
import { eventually } from '@writ/testing';
import { Aggregates } from './aggregates';
import { event } from './event-log.conformance';
import { MemoryLog } from './memory-log';
import { MemorySnapshotTable } from './memory-snapshot-table';
import { rebuildSnapshots } from './rebuild-snapshots';
import { Snapshots } from './snapshots';

const stream = 'directive-a';
const metadata = {
  ...{ commandId: 'c', correlationId: 'c' },
  actor: { kind: 'service' as const, id: 'test' },
};

interface Sum {
  readonly total: number;
  readonly last: number;
}
type Add = { readonly type: 'Added'; readonly data: { readonly number: number } };

const sum: Decider<Sum, { add: number }, Add> = {
  initial: { total: 0, last: 0 },
  decide: ({ add }) => [{ type: 'Added', data: { number: add } }],
  evolve: ({ total }, recorded: RecordedEvent) => {
    const { number } = recorded.data as Add['data'];
    return { total: total + number, last: number };
  },
};

const form: SnapshotForm<Sum> = {
  shape: 1,
  write: (state) => JSON.stringify(state),
  read: (text) => {
    const { total, last } = JSON.parse(text) as Sum;
    if (total === undefined) throw new Error('no total');
    return { total, last };
  },
};

class WatchedLog extends MemoryLog {
  readonly asked: string[] = [];

  override async readStream(...[name, options = {}]: Parameters<MemoryLog['readStream']>) {
    this.asked.push(`${options.afterVersion ?? 0}+${options.limit ?? ''}`);
    return super.readStream(name, options);
  }
}

async function setUp(count: number, more: { form?: SnapshotForm<Sum>; restMs?: number } = {}) {
  const log = new WatchedLog();
  const table = new MemorySnapshotTable();
  const trouble: string[] = [];
  const process = (own = more.form ?? form) => {
    const snapshots = new Snapshots({
      ...{ table, form: own, log, everyEvents: 10, restMs: more.restMs ?? 0 },
      onTrouble: (what, name) => trouble.push(`${name}: ${what}`),
    });
    return { snapshots, aggregates: new Aggregates({ log, decider: sum, snapshots }) };
  };
  const numbers = Array.from({ length: count }, (_, at) => at + 1);
  const append = (from: number, some: number[]) =>
    log.append({
      ...{ stream, expectedVersion: from },
      events: some.map((number) => event('Added', { number })),
    });
  if (count > 0) await append(0, numbers);
  const written = async ({ snapshots }: ReturnType<typeof process>, so = 1) =>
    eventually(async () => snapshots.written >= so, { what: 'the snapshot' });
  return { log, table, trouble, process, append, written };
}

const totalOf = (count: number) => (count * (count + 1)) / 2;

describe('snapshots', () => {
  it('spare the fold of a long stream from its beginning', async () => {
    const { log, process, append, written, trouble } = await setUp(25);
    const first = process();
    expect((await first.aggregates.load(stream)).state.total).toBe(totalOf(25));
    await written(first);
    await append(25, [26, 27]);
    log.asked.length = 0;

    const loaded = await process().aggregates.load(stream);

    expect(loaded).toEqual({ state: { total: totalOf(27), last: 27 }, version: 27, position: 27 });
    // The first page, the event by which the snapshot counts, what came after it.
    expect(log.asked).toEqual(['0+10', '24+1', '25+2000']);
    expect(trouble).toEqual([]);
  });

  it('cost a short stream nothing: one reading, no question to the table', async () => {
    const { log, table, process } = await setUp(9);
    const reads = jest.spyOn(table, 'read');
    expect((await process().aggregates.load(stream)).version).toBe(9);
    expect(log.asked).toEqual(['0+10']);
    expect(reads).not.toHaveBeenCalled();
  });

  it('are written again after so many events, and behind the decisions', async () => {
    const { table, process, written } = await setUp(0);
    const one = process();
    const versions = new Set<number>();
    const write = table.write.bind(table);
    table.write = (snapshot) => {
      versions.add(snapshot.version);
      return write(snapshot);
    };
    for (let add = 1; add <= 35; add += 1) {
      await one.aggregates.handle(stream, { add }, metadata);
      if (add % 10 === 0) await written(one, add / 10);
    }
    expect([...versions]).toEqual([10, 20, 30]);
  });

  it('are due the later the larger the state is', async () => {
    const large = { ...form, write: (state: Sum) => JSON.stringify(state).padEnd(40 * 1_024) };
    const { process, written } = await setUp(0, { form: large });
    const one = process();
    for (let add = 1; add <= 50; add += 1) {
      await one.aggregates.handle(stream, { add }, metadata);
      if (add === 10) await written(one);
    }
    await written(one, 2);
    expect(one.snapshots.written).toBe(2);
  });

  it.each<[string, (it: Awaited<ReturnType<typeof setUp>>) => Promise<void>, string]>([
    [
      'of another shape',
      async ({ table }) => {
        const kept = await table.read(stream);
        if (kept) await table.write({ ...kept, shape: 2, state: '{"total":9999,"last":1}' });
      },
      'is of another shape',
    ],
    [
      'that does not parse',
      async ({ table }) => {
        const kept = await table.read(stream);
        if (kept) await table.write({ ...kept, state: '{"tot' });
      },
      'does not parse',
    ],
    [
      'that lies beyond the end of a restored log',
      async ({ log, append }) => {
        Object.assign(log, { rows: [], streams: new Map(), ids: new Set() });
        await append(0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      },
      'is of events that the log does not have',
    ],
    [
      'of a log that was restored and has grown again otherwise',
      async ({ log, append }) => {
        Object.assign(log, { rows: [], streams: new Map(), ids: new Set() });
        await append(0, new Array<number>(30).fill(7));
      },
      'is of events that the log does not have',
    ],
  ])('do not count and are removed: one %s', async (_, spoil, why) => {
    const world = await setUp(25);
    const first = world.process();
    await first.aggregates.load(stream);
    await world.written(first);
    await spoil(world);
    const events = await MemoryLog.prototype.readStream.call(world.log, stream, {});

    const second = world.process();
    const { state, version } = await second.aggregates.load(stream);

    expect(state).toEqual(events.reduce((it, each) => sum.evolve(it, each), sum.initial));
    expect(version).toBe(events.length);
    expect(world.trouble).toEqual([expect.stringContaining(`${stream}: ${why}`)]);
    expect(second.snapshots.used).toBe(0);
    await world.written(second);
    expect(await world.table.read(stream)).toMatchObject({ version: events.length, shape: 1 });
  });

  it('are done without when their table is away', async () => {
    const { table, process, trouble } = await setUp(25);
    table.read = () => Promise.reject(new Error('away'));
    table.write = () => Promise.reject(new Error('away'));
    const { aggregates } = process();
    expect((await aggregates.load(stream)).version).toBe(25);
    expect(isRefusal(await aggregates.handle(stream, { add: 1 }, metadata))).toBe(false);
    await eventually(async () => trouble.length === 2, { what: 'the trouble to be told' });
    expect(trouble).toEqual([`${stream}: cannot be read`, `${stream}: cannot be written`]);
  });

  it('are not written of what a restored log no longer has', async () => {
    const { log, table, process } = await setUp(25, { restMs: 20 });
    const { aggregates, snapshots } = process();
    await aggregates.load(stream);
    Object.assign(log, { rows: [], streams: new Map(), ids: new Set() });
    await snapshots['working'];
    expect(await table.read(stream)).toBeUndefined();
  });

  it('end with their process: what is due is left', async () => {
    const { table, process } = await setUp(25, { restMs: 60_000 });
    const { aggregates, snapshots } = process();
    await aggregates.load(stream);
    await snapshots.stop();
    await aggregates.handle(stream, { add: 1 }, metadata);
    expect(snapshots['due'].size).toBe(0);
    expect(await table.read(stream)).toBeUndefined();
  });
});

describe('a rebuild', () => {
  const kept = async (own = form) => {
    const world = await setUp(25, { form: own });
    const one = world.process();
    await one.aggregates.load(stream);
    await world.written(one);
    await world.append(25, [26, 27]);
    return { ...world, options: { log: world.log, table: world.table, form: own, decider: sum } };
  };

  it('finds a fold with and without the snapshot equal', async () => {
    const { options, table } = await kept();
    expect(await rebuildSnapshots(options)).toEqual({
      ...{ name: 'snapshot', rows: 1, equal: true, events: 27 },
    });
    expect(await table.read(stream)).toBeDefined();
  });

  it('finds the snapshot that is not what the events say, and names its stream', async () => {
    const { options, table } = await kept();
    const before = await table.read(stream);
    if (before) await table.write({ ...before, state: '{"total":1,"last":25}' });
    const report = await rebuildSnapshots(options);
    expect(report).toMatchObject({ equal: false, difference: stream });
  });

  it('throws them all away when it replaces', async () => {
    const { options, table } = await kept();
    await rebuildSnapshots({ ...options, clear: true });
    expect(await table.streams('', 10)).toEqual([]);
  });
});
