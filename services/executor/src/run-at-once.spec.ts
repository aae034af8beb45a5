import { streamOf, type RunEnded, type RunWork } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { MemoryWorld, workOf, type MemoryExecutor } from './memory-executor';

let world: MemoryWorld;
let one: MemoryExecutor;
beforeEach(async () => {
  world = new MemoryWorld();
  one = await world.open('one');
});
afterEach(() => world.close());

const echo = (output: string) => ({ kind: 'echo', output }) as const;
const shell = (script: string) => ({ kind: 'shell', script }) as const;

type Step = Partial<RunWork> & Pick<RunWork, 'adapter'>;

let directives = 0;

/** Work for the first step with the others as those that may follow, each after the one before. */
function chainOf(...steps: Step[]): RunWork {
  const directiveId = `chain${String((directives += 1)).padStart(11, '0')}`;
  const works: RunWork[] = [];
  for (const [at, step] of steps.entries()) {
    const before = works.at(-1);
    const dependencies =
      before === undefined ? [] : [{ step: before.step, runId: before.runId, artifacts: [] }];
    works.push(
      workOf({
        cache: true,
        verify: 'none',
        directiveId,
        step: `step${at}`,
        dependencies,
        ...step,
      }),
    );
  }
  const [first, ...next] = works as [RunWork, ...RunWork[]];
  return { ...first, next };
}

async function send(work: RunWork): Promise<void> {
  const { step, runId, attempt, directiveId } = work;
  await world.append(streamOf.directive(directiveId), 'StepStarted', { step, runId, attempt });
  await world.ring(work);
}

async function endOf(work: RunWork): Promise<RunEnded> {
  const found = await eventually(async () => (await world.endOf(work.runId)) ?? false, {
    what: `the end of ${work.runId}`,
  });
  return found || ({} as RunEnded);
}

/** The ends of the chain that are on record when the first is and nothing is under way. */
async function endsOf(work: RunWork): Promise<(RunEnded | undefined)[]> {
  await endOf(work);
  await eventually(() => one.active.size === 0, { what: 'the walk to end' });
  const works = [work, ...(work.next ?? [])];
  return Promise.all(works.map(({ runId }) => world.endOf(runId)));
}

async function walk(...steps: Step[]): Promise<(RunEnded | undefined)[]> {
  const work = chainOf(...steps);
  await send(work);
  return endsOf(work);
}

const resultsOf = (ends: readonly (RunEnded | undefined)[]) => ends.map((it) => it?.result);

test('goes on over steps that are answered here, and names them in the first end', async () => {
  const ends = await walk(...['a', 'b', 'c'].map((text) => ({ adapter: echo(text) })));
  expect(ends).toMatchObject([
    { result: 'success', stdout: 'a', next: [ends[1]?.runId, ends[2]?.runId] },
    { result: 'success', stdout: 'b' },
    { result: 'success', stdout: 'c' },
  ]);
  expect(ends[1]).not.toHaveProperty('next');
  const events = await world.log.readAll({ types: ['RunEnded'] });
  const positions = events.map(({ position }) => position);
  expect(positions).toEqual([positions[0], positions[0]! + 1, positions[0]! + 2]);
});

test('ends before a program that has to be executed, and begins nothing of it', async () => {
  const script = `echo began > '${world.folder}/began'`;
  const ends = await walk(
    { adapter: echo('a') },
    { adapter: shell(script) },
    { adapter: echo('c') },
  );
  expect(resultsOf(ends)).toEqual(['success', undefined, undefined]);
  expect(ends[0]).not.toHaveProperty('next');
});

test('ends with a step that is still to be judged, or has failed', async () => {
  const verify: RunWork['verify'] = [{ kind: 'files', paths: ['x'] }];
  const judged = await walk(
    { adapter: echo('j') },
    { adapter: echo('k'), verify },
    { adapter: echo('l') },
  );
  expect(resultsOf(judged)).toEqual(['success', 'success', undefined]);
  const failing = { adapter: echo('f'), outputs: ['no-file'] };
  const failed = await walk({ adapter: echo('e') }, failing, { adapter: echo('g') });
  expect(resultsOf(failed)).toEqual(['success', 'failed', undefined]);
});

describe('over programs that succeeded before', () => {
  /** Each writes a file that tells what was in the one before. */
  const programs = (mark: string): Step[] => [
    { adapter: shell(`echo ${mark} > a.txt`), outputs: ['a.txt'] },
    { adapter: shell('cat a.txt a.txt > b.txt'), outputs: ['b.txt'] },
    { adapter: shell('cat b.txt > c.txt'), outputs: ['c.txt'] },
  ];

  /** As a planner would: one after the other, each given what those before it made. */
  async function execute(steps: Step[]): Promise<RunEnded[]> {
    const { next = [], ...first } = chainOf(...steps);
    const ends: RunEnded[] = [];
    for (const work of [first, ...next]) {
      const dependencies = work.dependencies.map((it) => {
        return { ...it, artifacts: ends.find(({ runId }) => runId === it.runId)?.artifacts ?? [] };
      });
      await send({ ...work, dependencies });
      ends.push(await endOf(work));
    }
    return ends;
  }

  test('hands out what they made, each found by what those before it made', async () => {
    const made = await execute(programs('x'));
    expect(resultsOf(made)).toEqual(['success', 'success', 'success']);
    const again = await walk(...programs('x'));
    expect(again.map((end) => end?.source?.runId)).toEqual(made.map(({ runId }) => runId));
    expect(again.map((end) => end?.artifacts)).toEqual(made.map(({ artifacts }) => artifacts));
    expect(again.map((end) => end?.bundle?.hash)).toEqual(made.map(({ bundle }) => bundle?.hash));
    expect(again[0]?.next).toHaveLength(2);
  });

  test('leaves a run alone that somebody has begun with', async () => {
    await execute(programs('y'));
    const work = chainOf(...programs('y'));
    const [, , third] = [work, ...(work.next ?? [])] as RunWork[];
    await world.append(streamOf.run(third!.runId), 'RunClaimed', {});
    await send(work);
    expect(resultsOf(await endsOf(work))).toEqual(['skipped', 'skipped', undefined]);
    expect(await world.typesOf(third!.runId)).toEqual(['RunClaimed']);
  });
});

test('of many that walk the same way, each end is on record once and stands on recorded ones', async () => {
  await world.open('two');
  const work = chainOf(...['a', 'b', 'c', 'd'].map((text) => ({ adapter: echo(text) })));
  await Promise.all(Array.from({ length: 20 }, () => send(work)));
  const ends = await endsOf(work);
  expect(new Set(resultsOf(ends))).toEqual(new Set(['success']));
  for (const { runId } of [work, ...(work.next ?? [])]) {
    expect(await world.typesOf(runId)).toEqual(['RunEnded']);
  }
  expect(new Set(ends.map((end) => end?.executorId)).size).toBe(1);
});

test('tells the end of a run again that an earlier walk has ended', async () => {
  const work = chainOf({ adapter: echo('first') }, { adapter: echo('second') });
  await send(work);
  const [, second] = await endsOf(work);
  let heard = 0;
  await world.bus.listen(`writ.event.run.${second?.runId}.RunEnded`, () => void (heard += 1));
  await world.ring(work.next?.[0] as RunWork);
  await eventually(() => heard === 1, { what: 'the end once more' });
  expect(await world.typesOf(second?.runId ?? '')).toEqual(['RunEnded']);
});
