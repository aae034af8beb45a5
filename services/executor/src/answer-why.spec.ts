import { queries, streamOf, subjects, type Why } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { MemoryWorld, type MemoryExecutor } from './memory-executor';

let world: MemoryWorld;
let one: MemoryExecutor;
beforeEach(async () => {
  world = new MemoryWorld();
  one = await world.open('one');
});
afterEach(() => world.close());

const why = async (runId: string) =>
  (await one.bus.query(subjects.query(queries.whyRun.service, queries.whyRun.name), {
    runId,
  })) as Why;
const kinds = async (runId: string) => (await why(runId)).because.map(({ kind }) => kind);

let directives = 0;
async function run(script: string, more: object = {}): Promise<string> {
  const adapter = { kind: 'shell', script } as const;
  const directiveId = `directive${String((directives += 1)).padStart(7, '0')}`;
  const about = { directiveId, step: 'make', cache: true };
  const { runId } = await world.start({ adapter, ...about, ...more });
  await eventually(async () => (await world.endOf(runId)) !== undefined, { what: `${runId}` });
  return runId;
}

test('why a run was executed is told by the nearest success, and why it was not by its source', async () => {
  const first = await run('echo 1');
  expect(await kinds(first)).toEqual(['run', 'cache_miss']);
  const changed = await run('echo 2');
  const found = await why(changed);
  expect(found.because.map(({ kind }) => kind)).toEqual(['run', 'cache_miss', 'changed:command']);
  expect(found.because[1]?.text).toContain(first);
  const again = await run('echo 1');
  expect(await why(again)).toMatchObject({ state: 'skipped', because: [{ kind: 'cache_hit' }] });
  const uncached = await run('echo 1', { cache: false });
  expect((await why(uncached)).because[1]?.text).toMatch(/succeeded with the same inputs/);
});

test('why a run goes on is told by who holds it, and that nobody does', async () => {
  const adapter = { kind: 'shell', script: 'sleep 30' } as const;
  const { runId } = await world.start({ adapter });
  const claimed = async () => (await world.log.readStream(streamOf.run(runId))).length > 0;
  await eventually(claimed, { what: 'the claim' });
  expect(await why(runId)).toMatchObject({
    ...{ id: runId, state: 'processing' },
    because: [{ text: 'one works on it (claim 1)' }, { kind: 'cache_miss' }],
  });
  await expect(why(runId.replace(/a1$/, 'a2'))).rejects.toThrow('no executor has begun a run');
});
