import { randomUUID } from 'node:crypto';
import {
  streams,
  systemClock,
  workerQueue,
  type WorkerAnswer,
  type WorkerCheck,
  type WorkerWork,
} from '@writ/contracts';
import { MemoryBus, MemoryServer } from '@writ/messaging';
import { eventually } from '@writ/testing';
import { WorkerDesk } from '@writ/worker-protocol';
import { checkWorker } from './check-worker';
import { CheckTrouble, type CheckContext } from './verdict';

const redact = (text: string) => text.replaceAll('c4nary', '[redacted]');
const digest = `sha256:${'a'.repeat(64)}`;
const runId = 'abcdefgh12345678-g1-write-a3';
const run = {
  ...{ runId, directiveId: 'abcdefgh12345678', step: 'write', inputs: [] },
  artifacts: [{ path: 'a.txt', digest, bytes: 3 }],
};

let server: MemoryServer;
let bus: MemoryBus;
let desk: WorkerDesk;
let worker: MemoryBus;
let stop: AbortController;
beforeEach(() => {
  server = new MemoryServer();
  [bus, worker] = [new MemoryBus({ server }), new MemoryBus({ server, name: 'worker' })];
  desk = new WorkerDesk({ bus, clock: systemClock, newToken: randomUUID, silenceMs: 600 });
  stop = new AbortController();
});
afterEach(async () => {
  await desk.close();
  await Promise.all([bus.drain(0), worker.drain(0)]);
});

const check = (more: Partial<WorkerCheck> = {}) => {
  const asked = { kind: 'worker', worker: 'judge', input: { strict: true }, ...more } as const;
  const context = { root: '/snapshot', signal: stop.signal, workers: { desk, run, redact } };
  return checkWorker(asked, context as unknown as CheckContext);
};

/** What the worker does with each piece of work. */
async function judge(
  carryOut: (work: WorkerWork, say: (said: object) => Promise<WorkerAnswer>) => Promise<unknown>,
) {
  const options = { parse: (data: unknown) => data as WorkerWork, concurrency: 1 };
  await worker.consume(workerQueue('judge'), options, async ({ data }) => {
    const name = randomUUID();
    await carryOut(data, (said) => {
      const whole = { token: data.token, worker: name, ...said };
      return worker.query(data.replyTo, whole) as Promise<WorkerAnswer>;
    });
  });
}

test.each([
  [{ passed: true, score: 0.9, message: 'well done' }, 'passed', 'well done (score 0.9)'],
  [{ passed: false, message: 'too short: c4nary' }, 'failed', 'too short: [redacted]'],
  [{ passed: true }, 'passed', 'it is good'],
])('a worker that says %j has the check %s', async (verdict, outcome, message) => {
  let seen: WorkerWork | undefined;
  await judge(async (work, say) => {
    seen = work;
    await say({ kind: 'accepted' });
    await say({ kind: 'progress', text: 'reading c4nary' });
    await say({ kind: 'verdict', ...verdict });
  });
  expect(await check()).toMatchObject({
    outcome,
    message,
    log: expect.stringContaining('reading [redacted]'),
  });
  expect(seen).toMatchObject({
    ...{ task: 'check', runId, attempt: 3, workspacePath: '/snapshot', input: { strict: true } },
    dependencies: [{ step: 'write', path: 'a.txt', digest, bytes: 3 }],
  });
});

test('a worker that falls silent is given up, and the check is handed to another', async () => {
  let taken = 0;
  await judge(async (_, say) => {
    await say({ kind: 'accepted' });
    if ((taken += 1) > 1) await say({ kind: 'verdict', passed: true });
  });
  expect(await check()).toMatchObject({ outcome: 'passed' });
  expect(taken).toBe(2);
});

test('a check without a verdict could not run: nobody takes it, or the worker refuses', async () => {
  const alone = check({ timeoutMs: 200 });
  await expect(alone).rejects.toThrow(CheckTrouble);
  await expect(alone).rejects.toThrow('writ.worker.judge.work');
  await judge((_, say) => say({ kind: 'refused', reason: 'no such text' }));
  await expect(check()).rejects.toThrow('no such text');
});

test('the result of a step is no verdict', async () => {
  const answers: WorkerAnswer[] = [];
  await judge(async (_, say) => {
    await say({ kind: 'accepted' });
    answers.push(await say({ kind: 'result', outcome: 'success' }));
    await say({ kind: 'verdict', passed: false });
  });
  expect(await check()).toMatchObject({ outcome: 'failed' });
  expect(answers).toMatchObject([{ ok: false, code: 'malformed' }]);
});

test('a verifier that stops waits for no verdict', async () => {
  const waiting = check();
  await eventually(() => server.messagesOf(streams.workers.name).size === 1, { what: 'the work' });
  stop.abort(new Error('the process stops'));
  await expect(waiting).rejects.toThrow('the process stops');
});
