/** What every log promises (L1 to L6 in event-log.ts), asked the same way of each implementation. */
import { createHash, randomUUID } from 'node:crypto';
import {
  canonicalJson,
  GENESIS_HASH,
  hashedText,
  TerminalError,
  VersionConflict,
  type NewEvent,
} from '@writ/contracts';
import { MAX_LIMIT, type Append, type EventLog, type StoredEvent } from './event-log';
import { MAX_APPEND_EVENTS, MAX_EVENT_BYTES } from './prepare-append';

/** `open` gives an empty log; the suite closes it. */
export function eventLogConformance(name: string, open: () => Promise<EventLog>): void {
  describe(name, () => {
    let log: EventLog;

    beforeEach(async () => {
      log = await open();
    });

    afterEach(() => log.close());

    const append = (stream: string, expectedVersion: number, ...events: NewEvent[]) =>
      log.append({ stream, expectedVersion, events });

    describe('appending', () => {
      it('answers with the events at their places', async () => {
        const [first, second] = [event('Started', { a: 1 }), event('Ended')];
        await append('run-before', 0, event());

        const stored = await append('run-a', 0, first, second);

        expect(stored).toEqual([
          { ...first, ...placed(stored[0]), stream: 'run-a', version: 1, position: 2 },
          { ...second, ...placed(stored[1]), stream: 'run-a', version: 2, position: 3 },
        ]);
        expect(stored[0]?.recordedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(stored[0]?.hash).toMatch(/^[0-9a-f]{64}$/);
        expect(stored[0]?.dataText).toBe('{"a":1}');
      });

      it('answers exactly what a read gives', async () => {
        const given = event('Started', {
          b: undefined,
          at: new Date(0),
          list: [1, undefined],
          z: -0,
        });
        const stored = await append('run-a', 0, given, event());
        expect(await log.readStream('run-a')).toEqual(stored);
        expect(await log.readAll()).toEqual(stored);
        expect(await log.lastEvents(['run-a'])).toEqual(stored.slice(1));
        expect(stored[0]?.data).toEqual({ at: '1970-01-01T00:00:00.000Z', list: [1, null], z: 0 });
      });

      it('counts positions from 1 without a gap, over conflicts and refusals', async () => {
        await append('run-a', 0, event());
        await append('run-a', 0, event()).catch(() => undefined);
        await append('run-b', 0, event('Started', NaN)).catch(() => undefined);
        await append('run-b', 5, event()).catch(() => undefined);
        await append('run-b', 0, event(), event());

        const events = await log.readAll();
        expect(events.map(({ position }) => position)).toEqual([1, 2, 3]);
        expect(events.map(({ version }) => version)).toEqual([1, 1, 2]);
      });

      it('keeps its own copy: who changes an event afterwards changes nothing', async () => {
        const data = { list: [1] };
        const [stored] = await append('run-a', 0, event('Started', data));
        data.list.push(2);
        (stored?.data as typeof data).list.push(3);
        expect((await log.readStream('run-a'))[0]?.data).toEqual({ list: [1] });
      });

      it('takes many appends at once and gives each its own answer', async () => {
        const streams = Array.from({ length: 200 }, (_, index) => `run-${index}`);
        const stored = await Promise.all(streams.map((stream) => append(stream, 0, event())));

        expect(stored.map(([only]) => only?.stream)).toEqual(streams);
        const positions = stored.map(([only]) => only!.position).sort((a, b) => a - b);
        expect(positions).toEqual(streams.map((_, index) => index + 1));
      });

      it('keeps the metadata of each event', async () => {
        const [one, other] = [event(), event()];
        const shared = { ...one.metadata, commandId: 'c-2' };
        await append(
          'run-a',
          0,
          one,
          { ...other, metadata: shared },
          { ...event(), metadata: shared },
        );
        const commands = (await log.readStream('run-a')).map((it) => it.metadata.commandId);
        expect(commands).toEqual(['c-1', 'c-2', 'c-2']);
        await verifyChain(log);
      });

      it('takes an append of many events', async () => {
        const events = Array.from({ length: 2_000 }, (_, index) => event('Counted', { index }));
        const stored = await append('run-a', 0, ...events);
        expect(stored.at(-1)).toMatchObject({ version: 2_000, position: 2_000 });
        expect((await verifyChain(log)).at(-1)).toBe(stored.at(-1)?.hash);
      });
    });

    describe('appending in order', () => {
      const of = (stream: string, ...events: NewEvent[]) => ({
        stream,
        expectedVersion: 0,
        events,
      });
      const streamsOf = (stored: StoredEvent[][]) => stored.map(([first]) => first?.stream);

      it('puts one after the other, with nothing between them', async () => {
        const others = Array.from({ length: 50 }, (_, index) => append(`run-${index}`, 0, event()));
        const inOrder = log.appendInOrder([
          of('run-a', event(), event()),
          of('run-b', event()),
          of('run-c', event()),
        ]);
        const more = append('run-more', 0, event());
        const stored = await inOrder;
        await Promise.all([...others, more]);
        expect(streamsOf(stored)).toEqual(['run-a', 'run-b', 'run-c']);
        const positions = stored.flat().map(({ position }) => position);
        const [from = 0] = positions;
        expect(positions).toEqual([from, from + 1, from + 2, from + 3]);
        await verifyChain(log);
      });

      it('ends before the first whose stream is elsewhere', async () => {
        await append('run-b', 0, event());
        const others = [append('run-x', 0, event()), append('run-y', 0, event())];
        const appends = ['run-a', 'run-b', 'run-c', 'run-d'].map((stream) => of(stream, event()));
        expect(streamsOf(await log.appendInOrder(appends))).toEqual(['run-a']);
        await Promise.all(others);
        expect(await log.lastEvents(['run-c', 'run-d'])).toEqual([]);
        expect(await log.appendInOrder(appends.slice(1))).toEqual([]);
        expect(await log.appendInOrder([])).toEqual([]);
      });

      it('of rivals lets one in from the first to the last', async () => {
        const streams = ['run-a', 'run-b', 'run-c', 'run-d'];
        const rivals = await Promise.all(
          Array.from({ length: 20 }, () => log.appendInOrder(streams.map((it) => of(it, event())))),
        );
        expect(
          rivals
            .map(({ length }) => length)
            .sort()
            .reverse()
            .slice(0, 2),
        ).toEqual([4, 0]);
      });

      it('answers the same appends again as the first time', async () => {
        const appends = ['run-a', 'run-b'].map((stream) => of(stream, event()));
        const first = await log.appendInOrder(appends);
        const longer = [...appends, of('run-c', event())];
        expect((await log.appendInOrder(longer)).slice(0, 2)).toEqual(first);
        expect((await log.head()).position).toBe(3);
      });

      it('takes none when one of them can never be stored', async () => {
        const bad = [of('run-a', event()), of('run-b', event('Started', NaN))];
        await expect(log.appendInOrder(bad)).rejects.toBeInstanceOf(TerminalError);
        expect((await log.head()).position).toBe(0);
      });
    });

    describe('versions', () => {
      it('refuses an append to a stream that is elsewhere, naming where it is', async () => {
        await append('run-a', 0, event(), event());
        for (const expected of [0, 1, 3]) {
          const conflict = append('run-a', expected, event());
          await expect(conflict).rejects.toBeInstanceOf(VersionConflict);
          await expect(conflict).rejects.toMatchObject({
            stream: 'run-a',
            expectedVersion: expected,
            actualVersion: 2,
          });
        }
        expect((await log.head()).position).toBe(2);
      });

      it('lets exactly one of many rivals for a version in', async () => {
        const rivals = Array.from({ length: 20 }, () => append('run-a', 0, event()));
        const outcomes = await Promise.allSettled(rivals);
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(await log.readAll()).toHaveLength(1);
      });

      it('lets a conflict fail alone among the appends of one moment', async () => {
        await append('run-a', 0, event());
        const outcomes = await Promise.allSettled([
          append('run-b', 0, event()),
          append('run-a', 0, event()),
          append('run-c', 0, event()),
        ]);
        expect(outcomes.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'fulfilled',
        ]);
      });

      it('takes several appends to one stream in sequence, in one moment', async () => {
        const outcomes = await Promise.allSettled([
          append('run-a', 0, event('First'), event('Second')),
          append('run-b', 0, event()),
          append('run-a', 2, event('Third')),
          append('run-a', 2, event('Late')),
          append('run-a', 3, event('Fourth')),
        ]);
        expect(outcomes.map(({ status }) => status)).toEqual([
          'fulfilled',
          'fulfilled',
          'fulfilled',
          'rejected',
          'fulfilled',
        ]);
        const types = (await log.readStream('run-a')).map(({ type }) => type);
        expect(types).toEqual(['First', 'Second', 'Third', 'Fourth']);
        await verifyChain(log);
      });
    });

    describe('repeating', () => {
      it('answers the same append again as the first time, and writes nothing', async () => {
        const events = [event('Started', { n: 1 }), event('Ended')];
        const stored = await append('run-a', 0, ...events);
        await append('run-a', 2, event('Later'));

        expect(await append('run-a', 0, ...events)).toEqual(stored);
        expect((await log.head()).position).toBe(3);
      });

      it('answers with what was recorded, even when the repeat says something else', async () => {
        const first = event('Started', { n: 1 });
        const stored = await append('run-a', 0, first);
        expect(await append('run-a', 0, { ...first, data: { n: 2 } })).toEqual(stored);
      });

      it('knows a repeat in the same moment', async () => {
        const same = event();
        const [first, second] = await Promise.all([
          append('run-a', 0, same),
          append('run-a', 0, same),
        ]);
        expect(second).toEqual(first);
        expect((await log.head()).position).toBe(1);
      });

      it('knows a repeat of what two appends wrote', async () => {
        const [first, second] = [event('First'), event('Second')];
        await append('run-a', 0, first);
        await append('run-b', 0, event());
        await append('run-a', 1, second);
        const again = await append('run-a', 0, first, second);
        expect(again.map(({ position }) => position)).toEqual([1, 3]);
      });

      it('calls it a conflict when only some of the ids are the same', async () => {
        const [first, second] = [event(), event()];
        await append('run-a', 0, first, second);
        await expect(append('run-a', 0, first, event())).rejects.toBeInstanceOf(VersionConflict);
        await expect(append('run-a', 1, second, event())).rejects.toBeInstanceOf(VersionConflict);
        await expect(append('run-a', 0, second)).rejects.toBeInstanceOf(VersionConflict);
      });

      it('refuses an id that stands elsewhere, and only that append', async () => {
        const used = event();
        await append('run-a', 0, used);
        const outcomes = await Promise.allSettled([
          append('run-b', 0, event()),
          append('run-c', 0, event(), used),
          append('run-d', 0, event()),
        ]);
        expect(outcomes.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'fulfilled',
        ]);
        expect(outcomes[1]).toMatchObject({ reason: { code: 'event_id_reused' } });
        expect(await log.readStream('run-c')).toEqual([]);
        expect((await log.head()).position).toBe(3);
      });
    });

    describe('what can never be stored', () => {
      const cyclic: Record<string, unknown> = {};
      cyclic['self'] = cyclic;
      let deep: unknown = 1;
      for (let level = 0; level < 10_000; level += 1) deep = [deep];

      it.each<[string, string, Partial<NewEvent>]>([
        ['NaN', 'not_json', { data: { n: NaN } }],
        ['an infinity', 'not_json', { data: { n: -Infinity } }],
        ['a bigint', 'not_json', { data: { n: 1n } }],
        ['no data at all', 'not_json', { data: undefined }],
        ['a cycle', 'not_json', { data: cyclic }],
        ['10,000 levels', 'not_json', { data: deep }],
        ['metadata that is not JSON', 'not_json', { metadata: { n: NaN } as never }],
        ['more than 4 MiB', 'too_large', { data: 'ä'.repeat(MAX_EVENT_BYTES / 2) }],
        ['a type in lower case', 'bad_type', { type: 'started' }],
        ['a type with a quote', 'bad_type', { type: 'A"' }],
        ['a type of 65 characters', 'bad_type', { type: 'A'.repeat(65) }],
        ['an id that is no UUID', 'bad_event_id', { id: 'abc' }],
        ['an id in capitals', 'bad_event_id', { id: randomUUID().toUpperCase() }],
        ['schema version 0', 'bad_schema_version', { schemaVersion: 0 }],
      ])('refuses %s as terminal', async (_what, code, change) => {
        const refused = append('run-a', 0, { ...event(), ...change });
        await expect(refused).rejects.toBeInstanceOf(TerminalError);
        await expect(refused).rejects.toMatchObject({ code });
        expect((await log.head()).position).toBe(0);
      });

      it.each([
        '',
        'run',
        'run-',
        'Run-a',
        'run-a b',
        'run-ä',
        'run-a"',
        'run-a\n',
        '9-a',
        `run-${'x'.repeat(201)}`,
      ])('refuses the stream name %j', async (stream) => {
        await expect(append(stream, 0, event())).rejects.toMatchObject({ code: 'bad_stream' });
      });

      it('refuses an append without events, with too many, and a version below 0', async () => {
        const many = Array.from({ length: MAX_APPEND_EVENTS + 1 }, () => event());
        await expect(append('run-a', 0)).rejects.toMatchObject({ code: 'bad_append' });
        await expect(append('run-a', 0, ...many)).rejects.toMatchObject({ code: 'bad_append' });
        await expect(append('run-a', -1, event())).rejects.toMatchObject({ code: 'bad_version' });
        await expect(append('run-a', 0.5, event())).rejects.toMatchObject({ code: 'bad_version' });
      });

      it('does not let a poison touch the appends beside it', async () => {
        const outcomes = await Promise.allSettled([
          append('run-a', 0, event()),
          append('run-b', 0, event('Started', NaN)),
          append('run-c', 0, event()),
        ]);
        expect(outcomes.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'fulfilled',
        ]);
      });
    });

    describe('what is stored as it is', () => {
      it.each<[string, unknown]>([
        ['NUL and control characters', 'a\u0000b\u0001\u001f\u007f'],
        ['a lone surrogate', 'a\ud800b\udfff'],
        ['an emoji', '👩‍🚀'],
        ['quotes, backslashes and braces', '{"a":"\\"}, NULL \\x00 $1 {}'],
        ['line separators', '\u2028\u2029\r\n'],
        ['null', null],
        ['an empty string', ''],
        ['large and small numbers', [1e21, 5e-324, 1.7976931348623157e308, 2 ** 53, 0.1]],
        ['__proto__ as a member', JSON.parse('{"__proto__":{"a":1},"constructor":2}')],
        ['100 levels', JSON.parse('['.repeat(100) + ']'.repeat(100))],
        ['nearly 4 MiB', 'x'.repeat(MAX_EVENT_BYTES - 1_000)],
      ])('keeps %s', async (_what, data) => {
        await append('run-a', 0, event('Started', { data }));
        const [read] = await log.readStream('run-a');
        expect(read?.data).toEqual({ data });
        expect(read?.dataText).toBe(canonicalJson({ data }));
        await verifyChain(log);
      });
    });

    describe('reading a stream', () => {
      beforeEach(async () => {
        await append('run-a', 0, ...Array.from({ length: 5 }, () => event()));
        await append('run-ab', 0, event());
      });

      it('gives its events in order of version, and no other stream', async () => {
        const events = await log.readStream('run-a');
        expect(events.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
      });

      it('gives the tail above a version, and no more than the limit', async () => {
        const versions = async (options: { afterVersion?: number; limit?: number }) =>
          (await log.readStream('run-a', options)).map(({ version }) => version);
        expect(await versions({ afterVersion: 3 })).toEqual([4, 5]);
        expect(await versions({ afterVersion: 1, limit: 2 })).toEqual([2, 3]);
        expect(await versions({ afterVersion: 5 })).toEqual([]);
        expect(await versions({ afterVersion: 99 })).toEqual([]);
      });

      it('gives nothing of a stream that is not there', async () => {
        expect(await log.readStream('run-none')).toEqual([]);
      });
    });

    describe('reading by position', () => {
      beforeEach(async () => {
        for (const name of [
          'run-abc-1',
          'evaluation-abc-1',
          'run-abd-1',
          'run-abc-2',
          'manifest-x',
        ]) {
          await append(name, 0, event(), event());
        }
      });

      const streams = async (options: Parameters<EventLog['readAll']>[0]) =>
        (await log.readAll(options)).map(({ stream, version }) => `${stream}@${version}`);

      it('goes on after a position, up to the limit', async () => {
        const positions = (await log.readAll({ after: 3, limit: 4 })).map((it) => it.position);
        expect(positions).toEqual([4, 5, 6, 7]);
        expect(await log.readAll({ after: 10 })).toEqual([]);
        expect(await log.readAll({ after: 1_000 })).toEqual([]);
      });

      it('keeps to the streams of a prefix', async () => {
        expect(await streams({ streamPrefixes: ['evaluation-'] })).toEqual([
          'evaluation-abc-1@1',
          'evaluation-abc-1@2',
        ]);
        expect(
          await streams({ streamPrefixes: ['run-', 'manifest-'], after: 2, limit: 3 }),
        ).toEqual(['run-abd-1@1', 'run-abd-1@2', 'run-abc-2@1']);
        expect(
          await streams({ streamPrefixes: ['run-abc-', 'manifest-x'], after: 1, limit: 3 }),
        ).toEqual(['run-abc-1@2', 'run-abc-2@1', 'run-abc-2@2']);
      });

      it('keeps to events of some types, with prefixes and without', async () => {
        await append('run-typed-1', 0, event('Begun', 1), event('Ended', 2));
        await append('manifest-typed-1', 0, event('Ended', 3));
        const prefixes = [undefined, ['run-', 'manifest-'], ['run-typed-1', 'manifest-typed-1']];
        for (const streamPrefixes of prefixes) {
          const asked = { after: 10, streamPrefixes };
          expect(await streams({ ...asked, types: ['Ended'] })).toEqual([
            'run-typed-1@2',
            'manifest-typed-1@1',
          ]);
          expect(await streams({ ...asked, types: ['Ended', 'Begun'], limit: 2 })).toEqual([
            'run-typed-1@1',
            'run-typed-1@2',
          ]);
          expect(await streams({ ...asked, types: ['Other'] })).toEqual([]);
          expect(await streams({ ...asked, types: [] })).toEqual([]);
        }
      });

      it('stops with the event that fills the bytes, and gives at least one', async () => {
        const sizes = [10, 5, 1, 30, 1];
        const texts = sizes.map((size) => event('Sized', 'ä'.repeat(size / 2).padEnd(size, 'x')));
        await append('run-sized', 0, ...texts);
        const bytes = (await log.readStream('run-sized')).map(({ dataText }) => {
          return Buffer.byteLength(dataText);
        });
        for (const streamPrefixes of [undefined, ['run-'], ['run-sized']]) {
          for (let maxBytes = 1; maxBytes <= 80; maxBytes += 1) {
            const asked = { after: 10, streamPrefixes, maxBytes };
            const found = (await log.readAll(asked)).map(({ version }) => version);
            expect([maxBytes, ...found]).toEqual([maxBytes, ...filling(bytes, maxBytes)]);
          }
        }
        expect(await log.readAll({ after: 10, maxBytes: 80, limit: 2 })).toHaveLength(2);
      });

      it('gives an event once when several prefixes fit', async () => {
        expect(await streams({ streamPrefixes: ['run-abd', 'run-abd-1'] })).toEqual([
          'run-abd-1@1',
          'run-abd-1@2',
        ]);
      });

      it('gives nothing for prefixes that fit nothing, and for none', async () => {
        expect(await streams({ streamPrefixes: ['run-abe'] })).toEqual([]);
        expect(await streams({ streamPrefixes: ['run%'] })).toEqual([]);
        expect(await streams({ streamPrefixes: ['evaluation-abc_1'] })).toEqual([]);
        expect(await streams({ streamPrefixes: [] })).toEqual([]);
      });

      it('takes limits of 1 to 10,000', async () => {
        for (const limit of [0, -1, 1.5, MAX_LIMIT + 1, NaN]) {
          await expect(log.readAll({ limit })).rejects.toBeInstanceOf(RangeError);
          await expect(log.readStream('run-a', { limit })).rejects.toBeInstanceOf(RangeError);
        }
        expect(await log.readAll({ limit: MAX_LIMIT })).toHaveLength(10);
      });
    });

    describe('last events', () => {
      it('gives the last event of each stream that exists, once', async () => {
        await append('run-a', 0, event('First'), event('Second'));
        await append('run-b', 0, event('Third'));
        const last = await log.lastEvents(['run-a', 'run-none', 'run-b', 'run-a']);
        expect(last.map(({ type }) => type).sort()).toEqual(['Second', 'Third']);
        expect(await log.lastEvents([])).toEqual([]);
      });
    });

    describe('the chain of hashes', () => {
      it('begins at the genesis hash and covers every event', async () => {
        expect(await log.head()).toEqual({ position: 0, hash: GENESIS_HASH });
        await Promise.all([
          append('run-a', 0, event('Started', { text: 'ä\u0000\ud800"\\' }), event()),
          append('run-b', 0, event('Started', null)),
        ]);
        await append('run-a', 2, { ...event(), schemaVersion: 7 });

        const hashes = await verifyChain(log);
        expect(await log.head()).toEqual({ position: 4, hash: hashes.at(-1) });
      });
    });

    describe('closing', () => {
      it('finishes what is under way and refuses what comes later', async () => {
        const under = append('run-a', 0, event());
        const closed = log.close();
        await expect(under).resolves.toHaveLength(1);
        await closed;
        await expect(append('run-a', 1, event())).rejects.toThrow('the log is closed');
        await expect(log.readStream('run-a')).rejects.toThrow('the log is closed');
        await expect(log.head()).rejects.toThrow('the log is closed');
        await log.close();
      });
    });
  });
}

export function event(type = 'Happened', data: unknown = {}): NewEvent {
  const metadata = {
    commandId: 'c-1',
    correlationId: 'd-1',
    actor: { kind: 'service' as const, id: 'test' },
  };
  return { id: randomUUID(), type, schemaVersion: 1, data, metadata };
}

export function appendOf(stream: string, expectedVersion: number, ...events: NewEvent[]): Append {
  return { stream, expectedVersion, events };
}

/** What the log adds, as it was answered; the rest of the event is asked for exactly. */
function placed(stored: StoredEvent | undefined) {
  return { recordedAt: stored?.recordedAt, hash: stored?.hash, dataText: stored?.dataText };
}

/** The versions, from 1, of those before which there is less than so much. */
function filling(bytes: readonly number[], maxBytes: number): number[] {
  let before = 0;
  return bytes.flatMap((size, index) => {
    before += size;
    return before - size < maxBytes ? [index + 1] : [];
  });
}

/** Computes every hash anew from what was read; fails where one differs. Returns them in order. */
async function verifyChain(log: EventLog): Promise<string[]> {
  let previous = GENESIS_HASH;
  const hashes: string[] = [];
  for (const stored of await log.readAll({ limit: MAX_LIMIT })) {
    const text = hashedText(stored, stored.dataText, canonicalJson(stored.metadata), previous);
    previous = createHash('sha256').update(text).digest('hex');
    expect({ position: stored.position, hash: stored.hash }).toEqual({
      position: hashes.length + 1,
      hash: previous,
    });
    hashes.push(previous);
  }
  return hashes;
}
