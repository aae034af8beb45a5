/** A verifier process that is killed or told to stop while a check runs: nothing of the check is left. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { streamOf, subjects, type Check, type EvaluateWork } from '@writ/contracts';
import { openPostgresLog, uuidV7, type PostgresLog } from '@writ/event-log';
import { connectJetStreamBus, type JetStreamBus } from '@writ/messaging';
import { endMarked, processesWith } from '@writ/programs';
import {
  eventually,
  startFromSources,
  testDatabase,
  testNats,
  type TestDatabase,
  type TestNats,
} from '@writ/testing';

const directiveId = 'abcdefgh12345678';
let folder: string;
let database: TestDatabase;
let nats: TestNats;
let log: PostgresLog;
let bus: JetStreamBus;
let verifier: ChildProcess;
let said: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'writ-under-fire-')));
  [database, nats] = await Promise.all([testDatabase(), testNats()]);
  log = await openPostgresLog({ url: database.urlFor('executor') });
  bus = await connectJetStreamBus({ servers: nats.url, name: 'test' });
}, 60_000);
afterAll(async () => {
  await bus?.drain(0);
  await log?.close();
  await nats?.stop();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  verifier.kill('SIGKILL');
  if (verifier.exitCode === null && verifier.signalCode === null) await once(verifier, 'exit');
  for (const runId of runIds) endMarked('WRIT_RUN', runId); // only when a test failed
});

function start(sandbox: string): void {
  said = '';
  verifier = startFromSources('services/verifier/src/main.ts', {
    PATH: process.env['PATH'],
    DATABASE_URL: database.urlFor('verifier'),
    NATS_URL: nats.url,
    WRIT_CONTENT_DIR: join(folder, 'content'),
    WRIT_DATA_DIR: join(folder, 'data'),
    WRIT_SANDBOX: sandbox,
  });
  for (const stream of [verifier.stdout, verifier.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
}

const left = (runId: string) => processesWith('WRIT_RUN', runId);
/** Of this test run alone: what another one left must not be taken for ours. */
const runIds: string[] = [];

/** A check that forks and will not end, in a verifier of its own; resolves when all of it runs. */
async function checkUnderWay(sandbox: string, script: string): Promise<string> {
  const runId = `${directiveId}-g1-step${process.pid}x${runIds.length}-a1`;
  runIds.push(runId);
  start(sandbox);
  const metadata = {
    ...{ commandId: 'c', correlationId: directiveId },
    actor: { kind: 'service' as const, id: 'test' },
  };
  const event = { id: uuidV7(), type: 'RunEnded', schemaVersion: 1, data: { runId }, metadata };
  await log.append({ stream: streamOf.run(runId), expectedVersion: 0, events: [event] });
  const check: Check = { kind: 'program', argv: ['/bin/sh', '-c', script] };
  const work: EvaluateWork = {
    ...{ runId, directiveId, step: 'step', checks: [check], inputs: [], artifacts: [] },
    ...{ workspace: { kind: 'none' }, acceptanceCriteriaIds: [] },
    thresholds: { green: 0.85, yellow: 0.6 },
  };
  await bus.send({
    subject: subjects.evaluate('run'),
    dataText: JSON.stringify(work),
    attributes: { id: uuidV7(), type: 'writ.evaluate', source: '/test' },
  });
  // The launcher, the script, and the three that it starts.
  await eventually(
    () => left(runId).length >= 5 || Promise.reject(new Error(said.split('\n').at(-2))),
    { what: 'the check to run', timeoutMs: 60_000 },
  );
  return runId;
}

const noneLeft = (runId: string) =>
  eventually(() => left(runId).length === 0, { what: `the end of ${runId}`, timeoutMs: 20_000 });

const script = 'sleep 600 & (sleep 600 & sleep 600)';
const stubborn = `trap "" TERM; ${script}; wait`;

describe.each(['auto', 'none'])('with the sandbox %s', (sandbox) => {
  test('a verifier that is killed with -9 leaves no process of a check', async () => {
    const runId = await checkUnderWay(sandbox, script);
    verifier.kill('SIGKILL');
    await noneLeft(runId);
  }, 120_000);

  test('a verifier that is told to stop ends its checks, also those that will not hear', async () => {
    const runId = await checkUnderWay(sandbox, stubborn);
    verifier.kill('SIGTERM');
    const [code] = (await once(verifier, 'exit')) as [number];
    expect(code).toBe(0);
    expect(left(runId)).toEqual([]);
    expect(await log.readStream(streamOf.evaluation(runId))).toEqual([]);
  }, 120_000);
});
