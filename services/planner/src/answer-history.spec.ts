import type { RecordedEvent } from '@writ/contracts';
import { directiveDecider } from '@writ/domain';
import { Aggregates, MemoryLog } from '@writ/event-log';
import { MemoryBus } from '@writ/messaging';
import { DirectiveStory, storyFile, storyId as id } from '@writ/testing';
import { answerDiff, answerState } from './answer-history';
import { answerWhy } from './answer-why';

const begins = Date.parse('2026-01-01T00:00:00Z');
let seconds = 0;
let log: MemoryLog;
beforeEach(() => {
  seconds = 0;
  log = new MemoryLog({ now: () => new Date(begins + (seconds += 1) * 1_000) });
});

/** Writes a story as that of a directive, one append for each event, each a second after the other. */
async function write(story: DirectiveStory, directiveId = id): Promise<void> {
  const text = JSON.stringify(story.events).replaceAll(id, directiveId);
  for (const event of JSON.parse(text) as RecordedEvent[]) {
    const { type, schemaVersion, data, metadata, version } = event;
    const place = String((await log.head()).position).padStart(12, '0');
    const events = [
      { id: `00000000-0000-7000-9000-${place}`, type, schemaVersion, data, metadata },
    ];
    await log.append({ stream: `directive-${directiveId}`, expectedVersion: version - 1, events });
  }
}

const story = () => {
  const made = new DirectiveStory();
  made.create(storyFile([{ name: 'one' }, { name: 'two', dependsOn: ['one'] }]));
  return made;
};
const other = 'zzzzzzzz12345678';

it('gives a directive as it was after each of its events, by position and by time', async () => {
  const made = story();
  made.end('one');
  made.end('two');
  await write(made);
  const events = await log.readStream(`directive-${id}`);
  expect(events.length).toBeGreaterThan(6);
  for (const { version, position, recordedAt } of events) {
    const was = await answerState({ log }, { id, at: position });
    expect(was).toMatchObject({ version, position });
    expect(await answerState({ log }, { id, at: recordedAt })).toEqual(was);
  }
  const statuses = await Promise.all(
    events.map(async ({ position }) => (await answerState({ log }, { id, at: position })).status),
  );
  expect([...new Set(statuses)]).toEqual(['draft', 'planning', 'active', 'completed']);
});

it('says of a moment before the creation, behind the end and of no directive what it is', async () => {
  await write(story(), other);
  await write(story());
  const { position } = await log.head();
  const state = (at: unknown, of = id) => answerState({ log }, { id: of, at });
  await expect(state(1)).rejects.toThrow(/was created later: at position 5, 2026-01-01T00:00:05/);
  await expect(state('2025-01-01T00:00:00Z')).rejects.toThrow('was created later');
  await expect(state(position + 1)).rejects.toThrow(
    `has no position ${position + 1}: the log ends at ${position}`,
  );
  await expect(state(position, 'aaaaaaaaaaaaaaaa')).rejects.toThrow('there is no directive');
  await expect(state('2027-01-01T00:00:00Z')).resolves.toMatchObject({ status: 'active' });
});

it('knows microseconds from each other', async () => {
  const own = { readStream: log.readStream.bind(log), head: log.head.bind(log) };
  await write(story());
  const at = (micros: string) => `2026-01-01T00:00:01.000${micros}Z`;
  const [first, ...rest] = await log.readStream(`directive-${id}`);
  const events = [
    { ...first!, recordedAt: at('100') },
    { ...rest[0]!, recordedAt: at('101') },
  ];
  const fine = { log: { ...log, ...own, readStream: () => Promise.resolve(events) } as never };
  expect(await answerState(fine, { id, at: at('100') })).toMatchObject({ version: 1 });
  expect(await answerState(fine, { id, at: at('101') })).toMatchObject({ version: 2 });
});

it('compares two directives, and two moments of one', async () => {
  const [a, b] = [story(), story()];
  a.end('one');
  b.end('one', {
    result: 'failed',
    error: { kind: 'exit', code: 'x', message: 'it ended with 1' },
  });
  await write(a);
  await write(b, other);
  const bundle = { hash: `sha256:${'b'.repeat(64)}`, components: {}, excluded: [] };
  const data = { ...a.ended('one'), bundle };
  const metadata = {
    commandId: 'c',
    correlationId: id,
    actor: { kind: 'service', id: 't' } as const,
  };
  const events = [
    {
      id: '00000000-0000-7000-9000-999999999999',
      type: 'RunEnded',
      schemaVersion: 1,
      data,
      metadata,
    },
  ];
  await log.append({ stream: `run-${id}-g1-one-a1`, expectedVersion: 0, events });
  const found = await answerDiff({ log }, { a: { id }, b: { id: other } });
  expect(found).toMatchObject({
    ...{
      spec: [],
      first: { step: 'one', alike: 1, a: { type: 'StepPassed' }, b: { type: 'StepFailed' } },
    },
    steps: [{ step: 'one', a: { bundle: bundle.hash }, b: { bundle: null } }, { step: 'two' }],
  });
  const moments = await answerDiff({ log }, { a: { id, at: 4 }, b: { id } });
  expect(moments.first).toMatchObject({ step: 'one', a: null, b: { type: 'StepPassed' } });
  await expect(answerDiff({ log }, { a: { id }, b: { id, at: 999 } })).rejects.toThrow(
    'no position',
  );
});

it('explains from the log and the queues in less than 100 ms, also in a chain of a thousand', async () => {
  const bus = new MemoryBus();
  const made = new DirectiveStory();
  const steps = Array.from({ length: 1_000 }, (_, at) => ({ name: `s${at}` }));
  made.create(storyFile(steps, { limits: { maxParallelSteps: 50 } }));
  await write(made);
  const directives = new Aggregates({ log, decider: directiveDecider });
  const why = (of: string) => answerWhy({ log, bus, directives }, { id: of });
  await why(id);
  const began = performance.now();
  expect((await why(id)).because).toHaveLength(20);
  expect(await why(`${id}-g1-s999`)).toMatchObject({ state: 'pending' });
  expect((performance.now() - began) / 2).toBeLessThan(100);
  for (const none of [`${id}-g1-none`, 'aaaaaaaaaaaaaaaa', 'x', `${other}-g1-s1-a1`]) {
    await expect(why(none)).rejects.toThrow(`there is no directive, step, run or approval ${none}`);
  }
  await bus.drain(0);
});
