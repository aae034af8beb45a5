import { streamOf } from '@writ/contracts';
import { MemoryLog, uuidV7 } from '@writ/event-log';
import { answerDirectiveMetrics, answerRunMetrics } from './answer-metrics';
import { answerRollback } from './answer-rollback';
import { DirectiveHistory } from './directive-history';

const id = 'abcdefgh12345678';
const runId = `${id}-g1-one-a1`;
const checked = { verify: [{ kind: 'files', paths: ['x'] }] };

async function logOf(...ids: string[]): Promise<MemoryLog> {
  const log = new MemoryLog();
  for (const directiveId of ids) {
    const history = new DirectiveHistory(log, directiveId);
    await history.create([
      { name: 'one', ...checked },
      { name: 'two', dependsOn: ['one'] },
    ]);
    await history.runEnds('one', { durationMs: 12 });
    await history.evaluates('one', 'green');
    await history.runEnds('two', { durationMs: 30 });
  }
  return log;
}

describe('metrics', () => {
  it('are of the one directive that is asked about, from its events', async () => {
    const log = await logOf('zzzzzzzz12345678', id);
    expect(await answerDirectiveMetrics({ log }, { id })).toMatchObject({
      ...{ directiveId: id, status: 'completed', runMs: 42, evaluationMs: 4 },
      steps: { total: 2, byStatus: { passed: 2 } },
      validation: { passed: 1, none: 1 },
    });
  });

  it('of a run come from its own events and those of its directive', async () => {
    const log = await logOf(id, 'zzzzzzzz12345678');
    expect(await answerRunMetrics({ log }, { id: runId })).toMatchObject({
      ...{ runId, step: 'one', attempt: 1, durationMs: 12, cleanliness: 1 },
      validation: { status: 'passed', durationMs: 4, checks: { passed: 1 } },
    });
  });

  it('of what is not in the log are not found', async () => {
    const log = await logOf(id);
    const other = 'zzzzzzzz12345678';
    const notFound = { code: 'not_found' };
    await expect(answerDirectiveMetrics({ log }, { id: other })).rejects.toMatchObject(notFound);
    await expect(answerRunMetrics({ log }, { id: `${other}-g1-one-a1` })).rejects.toMatchObject(
      notFound,
    );
    await expect(answerRunMetrics({ log }, { id: `${id}-g1-one-a9` })).rejects.toMatchObject(
      notFound,
    );
  });

  it('do not stop at the end of a page', async () => {
    const log = await logOf(id);
    const actor = { kind: 'service' as const, id: 'test' };
    const metadata = { commandId: 'c', correlationId: id, actor };
    const attempts = Array.from({ length: 2_500 }, (_, at) => ({
      ...{ attempt: at + 1, claim: 1, startedAt: 'x', durationMs: 1, exitCode: 75 },
    }));
    const events = attempts.map((attempt) => ({
      ...{ id: uuidV7(), type: 'RunAttemptFailed', schemaVersion: 1, metadata },
      data: { runId, attempt },
    }));
    await log.append({ stream: streamOf.run(runId), expectedVersion: 1, events });
    expect(await answerRunMetrics({ log }, { id: runId })).toMatchObject({ tries: 2_500 });
  });
});

describe('the advisory of a rollback', () => {
  it('tells the runs of the steps that go back, and refuses what cannot', async () => {
    const log = await logOf(id);
    const advisory = await answerRollback({ log }, { id, step: 'one' });
    expect(advisory.plan.steps.map((it) => it.step)).toEqual(['one', 'two']);
    expect(advisory.markdown).toContain('- attempt 1: success by `echo`');
    const refused = (step: string) => answerRollback({ log }, { id, step });
    await expect(refused('three')).rejects.toMatchObject({ code: 'not_found' });
    const absent = answerRollback({ log }, { id: 'zzzzzzzz12345678', step: 'one' });
    await expect(absent).rejects.toMatchObject({ code: 'not_found' });
  });

  it('goes by what the branch is made of, and by what was taken back of it', async () => {
    const log = new MemoryLog();
    const history = new DirectiveHistory(log, id);
    await history.create([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    for (const step of ['a', 'b', 'c']) await history.runEnds(step);
    const merged = (step: string, commit: string) =>
      ['StepMerged', { runId: 'r', step, commit: commit.repeat(40) }] as const;
    const back = { rollbackId: 'x', from: '2'.repeat(40), to: '0'.repeat(40) };
    const told = [
      ...[merged('c', '0'), merged('gone', '1'), merged('a', '2')],
      ['WorkspaceRolledBack', back] as const,
      ...[merged('b', '3'), merged('a', '4')],
    ];
    const actor = { kind: 'service' as const, id: 't' };
    const events = told.map(([type, data]) => ({
      ...{ id: uuidV7(), type, schemaVersion: 1, data: { directiveId: id, ...data } },
      metadata: { commandId: 'c', correlationId: id, actor },
    }));
    await log.append({ stream: streamOf.workspace(id), expectedVersion: 0, events });
    const planOf = async (step: string) =>
      (await answerRollback({ log: asGit(log) }, { id, step })).plan;
    const a = await planOf('a');
    expect(a).toMatchObject({ from: '4'.repeat(40), to: '3'.repeat(40), steps: [{ step: 'a' }] });
    const b = await planOf('b');
    expect(b.to).toBe('0'.repeat(40));
    expect(b.steps.map((it) => it.step)).toEqual(['a', 'b']);
  });
});

/** The same history, of a directive with a git workspace. */
function asGit(log: MemoryLog): Pick<MemoryLog, 'head' | 'lastEvents' | 'readAll'> {
  return {
    head: () => log.head(),
    lastEvents: (streams) => log.lastEvents(streams),
    readAll: async (asked) =>
      (await log.readAll(asked)).map((event) => {
        if (event.type !== 'DirectiveCreated') return event;
        const data = { ...(event.data as object), workspace: { kind: 'git', repository: '/r' } };
        return { ...event, data };
      }),
  };
}
