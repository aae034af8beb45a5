import { VersionConflict, type RecordedEvent, type Refusal } from '@writ/contracts';
import type { Decider } from '@writ/domain';
import { Aggregates } from './aggregates';
import type { Append } from './event-log';
import { event } from './event-log.conformance';
import { MemoryLog } from './memory-log';

/** Counts up to three; `add` of a step that was counted already does nothing. */
interface Counter {
  readonly steps: readonly string[];
}
type Command = { add: string };
type Added = { type: 'Added'; data: { step: string } };

const counter: Decider<Counter, Command, Added> = {
  initial: { steps: [] },
  decide(command, state): Added[] | Refusal {
    if (state.steps.includes(command.add)) return [];
    if (state.steps.length >= 3) return { refused: 'illegal_transition', message: 'it is full' };
    return [{ type: 'Added', data: { step: command.add } }];
  },
  evolve(state, { data }: RecordedEvent): Counter {
    return { steps: [...state.steps, (data as Added['data']).step] };
  },
};

const metadata = event().metadata;
const stream = 'run-a';

/** Counts what is asked of the log, and lets a test do something between deciding and appending. */
class WatchedLog extends MemoryLog {
  reads = 0;
  appends = 0;
  beforeAppend: () => Promise<unknown> = async () => undefined;

  override async append(append: Append) {
    this.appends += 1;
    await this.beforeAppend();
    return super.append(append);
  }

  override readStream(...asked: Parameters<MemoryLog['readStream']>) {
    this.reads += 1;
    return super.readStream(...asked);
  }
}

const log = () => new WatchedLog();
const on = (watched: WatchedLog, more = {}) =>
  new Aggregates({ log: watched, decider: counter, ...more });

/** As another process would append. */
const other = (watched: WatchedLog, step: string, version: number) =>
  MemoryLog.prototype.append.call(watched, {
    stream,
    expectedVersion: version,
    events: [event('Added', { step })],
  });

describe('handling a command', () => {
  it('appends what was decided and answers with the state after it', async () => {
    const watched = log();
    const handled = await on(watched).handle(stream, { add: 'x' }, metadata);

    expect(handled).toMatchObject({ state: { steps: ['x'] }, version: 1, position: 1 });
    expect(handled).toMatchObject({ events: [{ type: 'Added', schemaVersion: 1, metadata }] });
    expect(await watched.readStream(stream)).toHaveLength(1);
  });

  it('reads the stream once and works from memory afterwards', async () => {
    const watched = log();
    const aggregates = on(watched);
    for (const add of ['x', 'y', 'z']) await aggregates.handle(stream, { add }, metadata);
    expect(watched.reads).toBe(1);
  });

  it('reads nothing for a command that begins its stream', async () => {
    const watched = log();
    const aggregates = on(watched, { begins: ({ add }: Command) => add === 'x' });
    await aggregates.handle(stream, { add: 'x' }, metadata);
    expect([watched.reads, watched.appends]).toEqual([0, 1]);
    await aggregates.handle('run-b', { add: 'y' }, metadata);
    expect(watched.reads).toBe(1);
  });

  it('finds out that the stream it was to begin is there already', async () => {
    const watched = log();
    await other(watched, 'x', 0);
    await other(watched, 'y', 1);
    const again = await on(watched, { begins: () => true }).handle(stream, { add: 'x' }, metadata);
    expect(again).toMatchObject({ state: { steps: ['x', 'y'] }, version: 2, events: [] });
    const more = await on(watched, { begins: () => true }).handle(stream, { add: 'z' }, metadata);
    expect(more).toMatchObject({ state: { steps: ['x', 'y', 'z'] }, version: 3 });
  });

  it('gives a refusal as a value and appends nothing', async () => {
    const watched = log();
    const aggregates = on(watched);
    for (const add of ['x', 'y', 'z']) await aggregates.handle(stream, { add }, metadata);
    const refusal = await aggregates.handle(stream, { add: 'more' }, metadata);
    expect(refusal).toEqual({ refused: 'illegal_transition', message: 'it is full' });
    expect(watched.appends).toBe(3);
  });

  it('answers a command that took effect before with the state and no events', async () => {
    const watched = log();
    await on(watched).handle(stream, { add: 'x' }, metadata);
    const again = await on(watched).handle(stream, { add: 'x' }, metadata);
    expect(again).toMatchObject({ state: { steps: ['x'] }, version: 1, position: 1, events: [] });
    expect(watched.appends).toBe(1);
  });

  it('decides again on the newer state when another process was faster', async () => {
    const watched = log();
    const aggregates = on(watched);
    await aggregates.handle(stream, { add: 'x' }, metadata);
    await other(watched, 'theirs', 1);

    const handled = await aggregates.handle(stream, { add: 'y' }, metadata);

    expect(handled).toMatchObject({ state: { steps: ['x', 'theirs', 'y'] }, version: 3 });
  });

  it('refuses on the newer state, not on the one in memory', async () => {
    const watched = log();
    const aggregates = on(watched);
    await aggregates.handle(stream, { add: 'x' }, metadata);
    await other(watched, 'y', 1);
    await other(watched, 'z', 2);
    expect(await aggregates.handle(stream, { add: 'more' }, metadata)).toMatchObject({
      refused: 'illegal_transition',
    });
  });

  it('does not take a refusal from memory for granted', async () => {
    const watched = log();
    // Restored from a backup, or made to forget: what matters is that memory is behind the log.
    const forgetful: Decider<Counter, Command, Added> = {
      ...counter,
      decide: (command, state) =>
        state.steps.length === 1
          ? { refused: 'illegal_transition', message: 'not yet' }
          : counter.decide(command, state),
    };
    const aggregates = new Aggregates({ log: watched, decider: forgetful });
    await aggregates.handle(stream, { add: 'x' }, metadata);
    await other(watched, 'theirs', 1);
    expect(await aggregates.handle(stream, { add: 'y' }, metadata)).toMatchObject({ version: 3 });
  });

  it('gives up with the conflict when others are faster every time', async () => {
    const watched = log();
    let version = 0;
    watched.beforeAppend = () => other(watched, `theirs-${version}`, version++);
    const patient: Decider<Counter, Command, Added> = {
      ...counter,
      decide: (command) => [{ type: 'Added', data: { step: command.add } }],
    };
    const aggregates = new Aggregates({ log: watched, decider: patient, maxAttempts: 4 });

    const handled = aggregates.handle(stream, { add: 'x' }, metadata);

    await expect(handled).rejects.toBeInstanceOf(VersionConflict);
    expect(watched.appends).toBe(4);
  });

  it('decides those together that waited for one stream, and gives each its own answer', async () => {
    const watched = log();
    const aggregates = on(watched);
    const handled = await Promise.all(
      ['x', 'y', 'x', 'z', 'more', 'y'].map((add) => aggregates.handle(stream, { add }, metadata)),
    );
    expect(handled).toMatchObject([
      { version: 1, position: 1, state: { steps: ['x'] }, events: [{ version: 1 }] },
      { version: 2, position: 2, state: { steps: ['x', 'y'] }, events: [{ version: 2 }] },
      { version: 2, position: 2, state: { steps: ['x', 'y'] }, events: [] },
      { version: 3, position: 3, state: { steps: ['x', 'y', 'z'] }, events: [{ version: 3 }] },
      { refused: 'illegal_transition' },
      { version: 3, position: 3, events: [] },
    ]);
    expect(watched.appends).toBe(2); // the first went at once, the others together
    expect(watched.reads).toBe(1);
  });

  it('decides all of them again when another process was faster', async () => {
    const watched = log();
    const aggregates = on(watched);
    watched.beforeAppend = async () => {
      if (watched.appends === 2) await other(watched, 'theirs', 1);
    };
    const handled = await Promise.all(
      ['x', 'y', 'z'].map((add) => aggregates.handle(stream, { add }, metadata)),
    );
    expect(handled).toMatchObject([
      { state: { steps: ['x'] } },
      { state: { steps: ['x', 'theirs', 'y'] }, version: 3 },
      { refused: 'illegal_transition' }, // theirs took the last place
    ]);
  });

  it('lets one that cannot be recorded, or throws, fail alone', async () => {
    const watched = log();
    const fragile: Decider<Counter, Command, Added> = {
      ...counter,
      decide(command, state) {
        if (command.add === 'throws') throw new Error('a defect');
        const bad = { type: 'Added', data: { step: NaN as never } } as const;
        return command.add === 'bad' ? [bad] : counter.decide(command, state);
      },
    };
    const aggregates = new Aggregates({ log: watched, decider: fragile });
    const adds = ['x', 'bad', 'throws', 'y', 'bad'];
    const outcomes = await Promise.allSettled(
      adds.map((add) => aggregates.handle(stream, { add }, metadata)),
    );
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'not_json' } },
      { status: 'rejected', reason: { message: 'a defect' } },
      { status: 'fulfilled', value: { state: { steps: ['x', 'y'] }, version: 2 } },
      { status: 'rejected', reason: { code: 'not_json' } },
    ]);
  });

  it('shows later decisions the events of earlier ones as they will be read', async () => {
    const seen: unknown[] = [];
    const watched = log();
    const dated: Decider<Counter, Command, Added> = {
      ...counter,
      decide: (command) => [{ type: 'Added', data: { step: new Date(0) as never, ...command } }],
      evolve(state, event) {
        seen.push((event.data as Added['data']).step);
        return counter.evolve(state, event);
      },
    };
    const aggregates = new Aggregates({ log: watched, decider: dated });
    await Promise.all(['x', 'y', 'z'].map((add) => aggregates.handle(stream, { add }, metadata)));
    expect(new Set(seen)).toEqual(new Set(['1970-01-01T00:00:00.000Z']));
  });

  it('lets commands to different streams go side by side', async () => {
    const watched = log();
    const aggregates = on(watched);
    let waiting = 0;
    const both = new Promise<void>((resolve) => {
      watched.beforeAppend = async () => {
        waiting += 1;
        if (waiting === 2) resolve();
        await both; // neither goes on before both are here
      };
    });
    const streams = ['run-a', 'run-b'];
    const handled = await Promise.all(
      streams.map((each) => aggregates.handle(each, { add: 'x' }, metadata)),
    );
    expect(handled).toHaveLength(2);
  });

  it('goes on with the next command after one that failed', async () => {
    const watched = log();
    const aggregates = on(watched);
    watched.beforeAppend = async () => {
      watched.beforeAppend = async () => undefined;
      throw new Error('the disk is full');
    };
    const [first, second] = await Promise.allSettled([
      aggregates.handle(stream, { add: 'x' }, metadata),
      aggregates.handle(stream, { add: 'y' }, metadata),
    ]);
    expect(first.status).toBe('rejected');
    expect(second).toMatchObject({ status: 'fulfilled', value: { state: { steps: ['y'] } } });
  });

  it('starts over when the log has become shorter than what it knows', async () => {
    const watched = log();
    const aggregates = on(watched);
    for (const add of ['x', 'y']) await aggregates.handle(stream, { add }, metadata);
    const restored = log();
    await other(restored, 'x', 0);
    Object.assign(watched, { rows: restored['rows'], streams: restored['streams'] });

    const handled = await aggregates.handle(stream, { add: 'z' }, metadata);

    expect(handled).toMatchObject({ state: { steps: ['x', 'z'] }, version: 2 });
  });

  it('makes event ids with what it is given, and takes the schema version of the event', async () => {
    const ids = ['00000000-0000-7000-8000-000000000001'];
    const versioned: Decider<Counter, Command, Added & { schemaVersion: number }> = {
      ...counter,
      decide: (command) => [{ type: 'Added', data: { step: command.add }, schemaVersion: 3 }],
    };
    const aggregates = new Aggregates({
      log: log(),
      decider: versioned,
      newId: () => ids.shift() ?? '',
    });
    expect(await aggregates.handle(stream, { add: 'x' }, metadata)).toMatchObject({
      events: [{ id: '00000000-0000-7000-8000-000000000001', schemaVersion: 3 }],
    });
  });
});

describe('loading', () => {
  it('includes what another process has just appended, reading the tail only', async () => {
    const watched = log();
    const aggregates = on(watched);
    await aggregates.handle(stream, { add: 'x' }, metadata);
    await other(watched, 'theirs', 1);
    expect(await aggregates.load(stream)).toEqual({
      state: { steps: ['x', 'theirs'] },
      version: 2,
      position: 2,
    });
  });

  it.each([3_999, 4_000, 4_001, 9_000])(
    'reads a stream of %d events in pages, and folds each once and in order',
    async (count) => {
      const watched = log();
      const events = Array.from({ length: count }, (_, at) => event('Added', { step: `${at}` }));
      await watched.append({ stream, expectedVersion: 0, events });
      const numbering: Decider<{ steps: number }, Command, Added> = {
        initial: { steps: 0 },
        decide: () => [],
        evolve: ({ steps }, { data }) => {
          expect((data as Added['data']).step).toBe(`${steps}`);
          return { steps: steps + 1 };
        },
      };
      const loaded = await new Aggregates({ log: watched, decider: numbering }).load(stream);
      expect(loaded).toEqual({ state: { steps: count }, version: count, position: count });
    },
  );

  it('throws what a page behind the first one throws', async () => {
    const watched = log();
    const events = Array.from({ length: 5_000 }, () => event('Added', { step: 'x' }));
    await watched.append({ stream, expectedVersion: 0, events });
    const read = watched.readStream.bind(watched);
    watched.readStream = (...asked) =>
      asked[1]?.afterVersion === 4_000 ? Promise.reject(new Error('away')) : read(...asked);
    const counting = { ...counter, evolve: (state: Counter) => state };
    const aggregates = new Aggregates({ log: watched, decider: counting });
    await expect(aggregates.load(stream)).rejects.toThrow('away');
  });

  it('gives the initial state of a stream that is not there, and does not keep it', async () => {
    const aggregates = on(log());
    expect(await aggregates.load(stream)).toEqual({
      state: { steps: [] },
      version: 0,
      position: 0,
    });
    expect(aggregates['cache'].size).toBe(0);
  });

  it('brings old events to their present form first', async () => {
    const watched = log();
    await other(watched, 'old', 0);
    const upcast = (it: RecordedEvent) => ({ ...it, data: { step: 'new' } });
    expect((await on(watched, { upcast }).load(stream)).state).toEqual({ steps: ['new'] });
  });

  it('keeps only so many streams, the latest used', async () => {
    const watched = log();
    const aggregates = on(watched, { cacheSize: 2 });
    for (const name of ['run-a', 'run-b', 'run-a', 'run-c']) {
      await aggregates.handle(name, { add: name + watched.appends }, metadata);
    }
    watched.reads = 0;
    await aggregates.handle('run-a', { add: 'again' }, metadata);
    await aggregates.handle('run-c', { add: 'again' }, metadata);
    expect(watched.reads).toBe(0);
    await aggregates.handle('run-b', { add: 'again' }, metadata);
    expect(watched.reads).toBe(1);
  });
});

describe('observing', () => {
  it('takes the event that follows, and ignores repeated ones and those after a gap', async () => {
    const watched = log();
    const aggregates = on(watched);
    await aggregates.handle(stream, { add: 'x' }, metadata);
    const [theirs] = await other(watched, 'theirs', 1);
    const [later] = await other(watched, 'later', 2);
    watched.reads = 0;

    aggregates.observe(later!);
    aggregates.observe(theirs!);
    aggregates.observe(theirs!);
    aggregates.observe(later!);
    const handled = await aggregates.handle(stream, { add: 'x' }, metadata);

    expect(handled).toMatchObject({ state: { steps: ['x', 'theirs', 'later'] }, version: 3 });
    expect(watched.reads).toBe(1); // the confirmation that nothing is to be done
    expect(watched.appends).toBe(1);
  });
});
