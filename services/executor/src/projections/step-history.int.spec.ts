import type { Adapter, RunEnded } from '@writ/contracts';
import { Follower, openPostgresLog, postgresSeats, rebuild, type EventLog } from '@writ/event-log';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { openDatabase, type Database } from '../database';
import { appendTo, endedRun } from '../run-cache/cache-table.conformance';
import { digestOfText } from '../stages/digest-of-text';
import { KEPT_RUNS, kindKeyOf, stepHistory, StepHistoryRows, stepKeyOf } from './step-history';

let database: TestDatabase;
let url: string;
let pool: Database;
let log: EventLog;
let follower: Follower;

beforeAll(async () => {
  database = await testDatabase();
  url = database.urlFor('executor');
  pool = openDatabase(url);
  log = await openPostgresLog({ url, applicationName: 'executor test', warn: () => undefined });
  const seats = postgresSeats(url);
  follower = new Follower({ seats, log, projection: stepHistory, pollMs: 20, restMs: 1 });
}, 60_000);

afterAll(async () => {
  await follower?.stop();
  await log?.close();
  await pool?.end();
  await database?.drop();
});

const adapter: Adapter = { kind: 'program', argv: ['work'] };
const components = { command: digestOfText('{"argv":["work"]}') };
const bundle = { hash: digestOfText('bundle'), components, excluded: [] };
const usage = (costUsd: number) => ({ inputTokens: 0, outputTokens: 0, costUsd });
let runs = 0;

async function ends(more: Partial<RunEnded>): Promise<void> {
  const run = endedRun('work', bundle.hash, { bundle, stepType: 'test', ...more });
  await appendTo(log, `run-${(runs += 1)}`, 'RunEnded', run);
}

test('keeps the latest runs of a step with its adapter, and of its kind, as the log has them', async () => {
  for (let at = 1; at <= KEPT_RUNS + 10; at += 1) {
    await ends({ durationMs: at, usage: usage(at / 100), attempt: 1 + (at % 2) });
  }
  await ends({ durationMs: 3, result: 'skipped', usage: usage(9) });
  await ends({ durationMs: 4, result: 'cancelled' });
  await ends({ durationMs: 5, result: 'failed', bundle: undefined });
  await ends({ durationMs: 6, step: 'other' });
  await ends({ durationMs: 7, step: 'said', adapter: { kind: 'echo', version: '1' } });
  await ends({ durationMs: 8, stepType: undefined }); // as the first version stored it
  await follower.waitFor((await log.head()).position, 5_000);

  const own = stepKeyOf('work', adapter) ?? '';
  const kind = kindKeyOf('program', 'test');
  const echo = kindKeyOf('echo', 'test');
  const found = await new StepHistoryRows(pool).runsOf([own, kind, echo, 'nothing']);
  expect([...found.keys()].sort()).toEqual([own, kind, echo].sort());
  expect(found.get(own)).toHaveLength(KEPT_RUNS);
  expect(found.get(own)?.slice(0, 3)).toEqual([
    { durationMs: 8, costUsd: 0, attempt: 1, hit: false },
    { durationMs: 3, costUsd: 0, attempt: 1, hit: true },
    { durationMs: 60, costUsd: 0.6, attempt: 1, hit: false },
  ]);
  expect(
    found
      .get(kind)
      ?.slice(0, 2)
      .map(({ durationMs }) => durationMs),
  ).toEqual([6, 3]);
  expect(found.get(echo)?.map(({ durationMs }) => durationMs)).toEqual([7]);
  expect(stepKeyOf('said', { kind: 'echo', output: 'x' })).toBeUndefined();
  expect(await rebuild({ url, log, projection: stepHistory })).toMatchObject({ equal: true });
});
