import type { Confidence, NewEvent, RunEnded } from '@writ/contracts';
import { streamOf } from '@writ/contracts';
import { uuidV7, type EventLog } from '@writ/event-log';
import { eventually } from '@writ/testing';
import type { CacheTable } from './cache-table';

const digest = (text: string) =>
  `sha256:${Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)}`;
const directiveId = 'abcdefgh12345678';

export const endedRun = (step: string, hash: string, more: Partial<RunEnded> = {}): RunEnded => ({
  ...{ runId: `${directiveId}-g1-${step}-a1`, directiveId, step, attempt: 1, claim: 1 },
  executorId: 'executor-1',
  adapter: { kind: 'program', version: '1' },
  bundle: { hash, components: {}, excluded: [] },
  result: 'success',
  stages: [],
  attempts: [],
  exitCode: 0,
  artifacts: [{ path: 'out.txt', digest: digest('out'), bytes: 3 }],
  durationMs: 5,
  stdout: 'said\0',
  ...more,
});

export async function appendTo(
  log: Pick<EventLog, 'append' | 'lastEvents'>,
  stream: string,
  type: string,
  data: unknown,
): Promise<number> {
  const [last] = await log.lastEvents([stream]);
  const event: NewEvent = {
    ...{ id: uuidV7(), type, schemaVersion: 1, data },
    metadata: { commandId: 'c', correlationId: directiveId, actor: { kind: 'service', id: 't' } },
  };
  const [stored] = await log.append({
    stream,
    expectedVersion: last?.version ?? 0,
    events: [event],
  });
  return stored?.position ?? 0;
}

export interface CacheTableUnderTest {
  readonly log: EventLog;
  table(executorId: string, ttlMs: number): CacheTable;
  /** The read model has come so far. */
  caughtUp(position: number): Promise<void>;
}

/** What every implementation of CacheTable does. */
export function cacheTableConformance(open: () => CacheTableUnderTest): void {
  let tests = 0;
  let under: CacheTableUnderTest;
  let table: CacheTable;
  let hash: string;
  beforeEach(() => {
    under = open();
    table = under.table('executor-1', 60_000);
    hash = digest(`hash-${(tests += 1)}`);
  });

  const name = (step: string) => `${step}${tests}`;
  const runOf = (step: string) => `${directiveId}-g1-${name(step)}-a1`;
  const ask = (runId: string, reserve = true, of = table) => of.ask({ hash, runId, reserve });

  async function ends(step: string, more: Partial<RunEnded> = {}): Promise<void> {
    const data = endedRun(name(step), hash, more);
    await under.caughtUp(await appendTo(under.log, streamOf.run(data.runId), 'RunEnded', data));
  }
  async function isJudged(step: string, confidence: Confidence): Promise<void> {
    const runId = runOf(step);
    const data = {
      runId,
      directiveId,
      step: name(step),
      checks: [],
      confidence,
      summary: '',
      durationMs: 1,
    };
    const stream = streamOf.evaluation(runId);
    await under.caughtUp(await appendTo(under.log, stream, 'EvaluationCompleted', data));
  }
  async function stepFails(step: string): Promise<void> {
    const data = {
      step: name(step),
      run: { runId: runOf(step) },
      failure: { kind: 'merge_conflict' },
    };
    const stream = streamOf.directive(`${directiveId}${tests}`);
    await under.caughtUp(await appendTo(under.log, stream, 'StepFailed', data));
  }

  test('a success is found with everything it handed out', async () => {
    expect(await ask('x', false)).toEqual({ kind: 'miss' });
    await ends('one');
    expect(await ask('x')).toMatchObject({
      kind: 'hit',
      runId: runOf('one'),
      outcome: { artifacts: [{ path: 'out.txt', bytes: 3 }], exitCode: 0, stdout: 'said\0' },
    });
  });

  test.each([
    ['failed', { result: 'failed' }],
    ['was skipped itself', { result: 'skipped' }],
    ['was not to be cached', { cacheable: false }],
    ['has no bundle', { bundle: undefined }],
  ] as const)('a run that %s is not', async (_, more) => {
    await ends('one', more);
    expect(await ask('x', false)).toEqual({ kind: 'miss' });
  });

  test('seed defect 22: a second success of a bundle collides with nothing; the first one stays', async () => {
    await ends('one');
    await ends('two');
    expect(await ask('x')).toMatchObject({ runId: runOf('one') });
  });

  test('one that was judged carries how', async () => {
    await ends('one');
    await isJudged('one', { score: 0.7, level: 'yellow' });
    expect(await ask('x')).toMatchObject({
      outcome: { confidence: { score: 0.7, level: 'yellow' } },
    });
  });

  test('one that was judged red is gone, and the next success takes its place', async () => {
    await ends('one');
    await isJudged('one', { score: 0, level: 'red' });
    expect(await ask('x', false)).toEqual({ kind: 'miss' });
    await ends('two');
    expect(await ask('x')).toMatchObject({ runId: runOf('two') });
  });

  test('one whose step failed is gone', async () => {
    await ends('one');
    await stepFails('one');
    expect(await ask('x', false)).toEqual({ kind: 'miss' });
  });

  test('of many that ask at once one computes, and the others learn who', async () => {
    const tables = [table, under.table('executor-2', 60_000)];
    const runIds = Array.from({ length: 20 }, (_, at) => `run-${at}`);
    const answers = await Promise.all(runIds.map((runId, at) => ask(runId, true, tables[at % 2])));
    const first = answers.findIndex((it) => it.kind === 'miss');
    expect(answers.filter((it) => it.kind === 'miss')).toHaveLength(1);
    expect(await ask('late')).toEqual({ kind: 'held', by: runIds[first] });
    expect(await ask(runIds[first] ?? '')).toEqual({ kind: 'miss' });
  });

  test('a released reservation is free; only its holder can release it', async () => {
    await ask('one');
    await table.release([{ hash, runId: 'two' }]);
    expect(await ask('two')).toEqual({ kind: 'held', by: 'one' });
    await table.release([{ hash, runId: 'one' }]);
    expect(await ask('two')).toEqual({ kind: 'miss' });
  });

  test('one that is not renewed runs out and is taken over', async () => {
    const brief = under.table('executor-1', 50);
    await ask('one', true, brief);
    await eventually(async () => (await ask('two')).kind === 'miss', { what: 'it to run out' });
    expect(await ask('one')).toEqual({ kind: 'held', by: 'two' });
  });

  test('one that is renewed is not', async () => {
    const brief = under.table('executor-1', 400);
    await ask('one', true, brief);
    const until = performance.now() + 900;
    await eventually(
      async () => {
        await brief.renew([{ hash, runId: 'one' }]);
        return performance.now() > until;
      },
      { what: 'more than its time to pass' },
    );
    expect(await ask('two')).toEqual({ kind: 'held', by: 'one' });
  });

  test('a question without a reservation leaves none', async () => {
    await ask('one', false);
    expect(await ask('two')).toEqual({ kind: 'miss' });
  });

  test('many different questions at once get their own answers', async () => {
    await ends('one');
    const questions = Array.from({ length: 450 }, (_, at) => ({
      hash: at % 3 === 0 ? hash : digest(`other-${tests}-${at}`),
      runId: `run-${at}`,
      reserve: at % 2 === 0,
    }));
    const answers = await Promise.all(questions.map((question) => table.ask(question)));
    answers.forEach((answer, at) => expect(answer.kind).toBe(at % 3 === 0 ? 'hit' : 'miss'));
  });
}
