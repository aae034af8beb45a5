import type { EvaluationCompleted } from '@writ/contracts';
import {
  Follower,
  openPostgresLog,
  type PostgresLog,
  postgresSeats,
  rebuild,
  uuidV7,
} from '@writ/event-log';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { Client } from 'pg';
import { evaluationRows } from './evaluation-rows';

let database: TestDatabase;
let log: PostgresLog;
let url: string;
beforeAll(async () => {
  database = await testDatabase();
  url = database.urlFor('verifier');
  log = await openPostgresLog({ url });
});
afterAll(async () => {
  await log?.close();
  await database?.drop();
});

async function evaluated(step: string, score: number | null): Promise<void> {
  const directiveId = 'abcdefgh12345678';
  const runId = `${directiveId}-g1-${step}-a1`;
  const level = score === null ? 'unknown' : 'green';
  const data: EvaluationCompleted = {
    ...{ runId, directiveId, step, checks: [], summary: '', durationMs: 1 },
    confidence: { score, level },
  };
  const metadata = {
    ...{ commandId: 'c', correlationId: directiveId },
    actor: { kind: 'service' as const, id: 'test' },
  };
  const event = { id: uuidV7(), type: 'EvaluationCompleted', schemaVersion: 1, data, metadata };
  await log.append({ stream: `evaluation-${runId}`, expectedVersion: 0, events: [event] });
}

it('has one row for each evaluation, and the same ones when it is built anew', async () => {
  await evaluated('one', 0.9);
  await evaluated('two', null);
  const follower = new Follower({ seats: postgresSeats(url), log, projection: evaluationRows });
  const { position } = await log.head();
  await follower.waitFor(position, 10_000);
  await follower.stop();
  const client = new Client(url);
  await client.connect();
  const { rows } = await client.query(
    'select step, level, score, position from verifier.evaluation order by position',
  );
  await client.end();
  expect(rows).toEqual([
    { step: 'one', level: 'green', score: 0.9, position: '1' },
    { step: 'two', level: 'unknown', score: null, position: '2' },
  ]);
  const report = await rebuild({ url, log, projection: evaluationRows });
  expect(report).toMatchObject({ name: 'evaluation', rows: 2, equal: true });
});
