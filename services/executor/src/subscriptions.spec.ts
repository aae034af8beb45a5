/** Each kind of work comes through a consumer of its own. */
import { Adapter, consumers, subjects } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { MemoryWorld } from './memory-executor';

test('every adapter has a consumer, save people, whom no executor asks', () => {
  const kinds = Adapter.options.map((it) => it.shape.kind.value);
  const heard = Object.values(consumers).map(({ subject }) => subject as string);
  const missing = kinds.filter((kind) => !heard.includes(subjects.work(kind)));
  expect(missing).toEqual(['human']);
});

test('programs that take long hold no place of what is answered at once', async () => {
  const world = new MemoryWorld();
  try {
    await world.open('one', { env: { WRIT_MAX_PROGRAMS: '1' } });
    const programs = await Promise.all(
      Array.from({ length: 40 }, () =>
        world.start({ adapter: { kind: 'program', argv: ['sleep', '30'] } }),
      ),
    );
    const claimed = async () => (await world.log.head()).position > programs.length;
    await eventually(claimed, { what: 'a program to be claimed' });
    const { runId } = await world.start({ adapter: { kind: 'echo', output: 'here' } });
    await eventually(async () => (await world.endOf(runId)) !== undefined, { what: 'the echo' });
    const ended = await Promise.all(programs.map((it) => world.endOf(it.runId)));
    expect(ended.filter((end) => end !== undefined)).toEqual([]);
  } finally {
    await world.close();
  }
});
