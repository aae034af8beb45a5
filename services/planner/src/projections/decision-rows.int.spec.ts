import { randomUUID } from 'node:crypto';
import type { CheckResult, DecisionPolicy, NewEvent } from '@writ/contracts';
import { confidenceOf } from '@writ/domain';
import { Follower, openPostgresLog, postgresSeats, rebuild } from '@writ/event-log';
import type { EventLog } from '@writ/event-log';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { DataSource } from 'typeorm';
import { answerBacktest } from '../answer-backtest';
import { decisionRows, DecisionRows } from './decision-rows';

const idOf = (n: number) => `directive${String(n).padStart(7, '0')}`;
const metadata = {
  ...{ commandId: 'c', correlationId: 'd' },
  actor: { kind: 'service', id: 'test' } as const,
};
const event = (type: string, data: unknown): NewEvent => ({
  ...{ id: randomUUID(), type, schemaVersion: 1, data, metadata },
});
const digest = `sha256:${'0'.repeat(64)}`;
const thresholds = { green: 0.85, yellow: 0.6 };

let database: TestDatabase;
let url: string;
let log: EventLog;
let source: DataSource;
let decisions: DecisionRows;
let follower: Follower;

beforeEach(async () => {
  database = await testDatabase();
  url = database.urlFor('planner');
  log = await openPostgresLog({ url });
  source = await new DataSource({ type: 'postgres', url }).initialize();
  decisions = new DecisionRows(source);
  follower = new Follower({
    ...{ seats: postgresSeats(url), log, projection: decisionRows },
    ...{ restMs: 0, pollMs: 20 },
  });
});
afterEach(async () => {
  await follower.stop();
  await source.destroy();
  await log.close();
  await database.drop();
});

const caughtUp = async (ms = 5_000) => follower.waitFor((await log.head()).position, ms);
const test = (policy: DecisionPolicy, more: object = {}) =>
  answerBacktest({ decisions }, { policy, ...more });

const created = event('DirectiveCreated', {
  ...{ title: 't', autonomy: 'guardrails', thresholds, limits: { maxReworkCycles: 3 } },
});

/** A step that is judged with this share of its checks, and what the gate made of it. */
function judged(directive: string, step: string, [passed, of]: [number, number], said?: string) {
  const runId = `${directive}-g1-${step}-a1`;
  const checks = Array.from({ length: of }, (_, at): CheckResult => {
    const outcome = at < passed ? 'passed' : 'failed';
    const check = { name: `c${at}`, kind: 'files', message: 'a NUL \0', durationMs: 1 };
    return { ...check, outcome, required: false, weight: 1 };
  });
  const confidence = confidenceOf(checks, thresholds);
  const run = { runId, result: 'success', artifacts: [{ path: 'x', digest, bytes: 1 }] };
  const about = { step, run, confidence };
  const evaluation = { runId, directiveId: directive, step, checks, confidence };
  const approvalId = `${runId}-review`;
  const asked = event('ApprovalRequested', { ...about, approvalId, type: 'step_review' });
  const word = { approvalId, decision: said, by: ['alice'], reason: 'said \0' };
  const passes = event('StepPassed', about);
  return {
    evaluation: event('EvaluationCompleted', evaluation),
    events:
      confidence.level === 'green'
        ? [passes]
        : [asked, ...(said === undefined ? [] : [event('ApprovalResolved', word)])],
    runId,
  };
}

type Judged = ReturnType<typeof judged>;

async function record(directive: string, steps: readonly Judged[]): Promise<void> {
  await Promise.all(
    steps.map(({ runId, evaluation }) =>
      log.append({ stream: `evaluation-${runId}`, expectedVersion: 0, events: [evaluation] }),
    ),
  );
  const events = [{ ...created, id: randomUUID() }, ...steps.flatMap((it) => it.events)];
  await log.append({ stream: `directive-${directive}`, expectedVersion: 0, events });
}

it('keeps what the gate decided and what people said, and is equal to one built anew', async () => {
  await record(idOf(1), [
    judged(idOf(1), 'good', [10, 10]),
    judged(idOf(1), 'so-so', [7, 10], 'deny'),
    judged(idOf(1), 'waits', [7, 10]),
  ]);
  await caughtUp();
  const found = await decisions.page({ after: 0, limit: 10 });
  expect(found.map(({ step, outcome, said }) => [step, outcome, said?.decision])).toEqual([
    ['good', 'pass', undefined],
    ['so-so', 'ask', 'deny'],
    ['waits', 'ask', undefined],
  ]);
  expect(await decisions.ofRuns([`${idOf(1)}-g1-so-so-a1`])).toEqual([found[1]]);
  expect(await test({})).toMatchObject({ decisions: 3, flips: 0, counts: {} });
  expect(await test({ thresholds: { green: 0.7 } })).toMatchObject({
    ...{ flips: 2, counts: { 'ask->pass': 2 }, againstDenial: 1 },
    steps: [{ step: 'so-so', said: { decision: 'deny', by: ['alice'] } }, { step: 'waits' }],
  });
  const after = await decisions.page({
    after: 0,
    limit: 1,
    since: new Date(Date.now() + 60_000).toISOString(),
  });
  expect(after).toEqual([]);
  const built = await rebuild({ url, log, projection: decisionRows });
  expect(built).toMatchObject({ equal: true });
});

it('tests 10,000 decisions in less than 5 s', async () => {
  for (let n = 1; n <= 50; n += 1) {
    const shares = Array.from({ length: 200 }, (_, at): [number, number] => [
      at % 5 === 0 ? 7 : 10,
      10,
    ]);
    await record(
      idOf(n),
      shares.map((share, at) => judged(idOf(n), `s${at}`, share, at % 2 ? 'deny' : 'approve')),
    );
  }
  await caughtUp(60_000);
  const began = performance.now();
  const same = await test({ thresholds });
  const strict = await test({ thresholds: { green: 0.7, yellow: 0.1 } }, { limit: 5 });
  const seconds = (performance.now() - began) / 2_000;
  expect(same).toMatchObject({ decisions: 10_000, flips: 0 });
  expect(strict).toMatchObject({ decisions: 10_000, flips: 2_000, againstDenial: 1_000 });
  expect(strict.steps).toHaveLength(5);
  expect(seconds).toBeLessThan(5);
  process.stdout.write(`backtest of 10,000: ${seconds.toFixed(2)} s\n`);
}, 120_000);
