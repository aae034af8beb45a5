/** Steps that workers carry out: the executor's side, with a worker that says what it is told to. */
import {
  streamOf,
  subjects,
  type RunEnded,
  type RunWork,
  type WorkerAnswer,
  type WorkerWork,
} from '@writ/contracts';
import { eventually } from '@writ/testing';
import { MemoryWorld, workOf, type MemoryExecutor } from './memory-executor';
import { ScriptedWorker } from './scripted-worker';

let world: MemoryWorld;
let one: MemoryExecutor;
const workers: ScriptedWorker[] = [];
beforeEach(async () => {
  world = new MemoryWorld();
  one = await world.open('one', {
    ttlMs: 1_000,
    env: { WRIT_WORKER_SILENCE_MS: '1000', WRIT_SECRET_ENV: 'KEY', KEY: 'c4nary-c4nary' },
  });
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
  await world.close();
});

const adapter = (input: unknown = null) => ({ kind: 'worker', name: 'tester', input }) as const;
const worker = async () => {
  const made = await ScriptedWorker.connect(world.server, 'tester');
  workers.push(made);
  return made;
};

async function ended(work: RunWork): Promise<RunEnded> {
  const end = await eventually(async () => (await world.endOf(work.runId)) ?? false, {
    what: `the end of ${work.runId}`,
    timeoutMs: 15_000,
  });
  return end as RunEnded;
}

const refused = (code: string) => expect.objectContaining({ ok: false, code }) as WorkerAnswer;
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('a worker gets the work whole, and what it says is the result of the run', async () => {
  const it = await worker();
  const run = await world.start({ adapter: adapter({ ask: [1, 'two'] }), outputs: ['a/b.txt'] });
  const work = await it.take();
  expect(work).toMatchObject({
    ...{ protocol: 1, task: 'step', runId: run.runId, step: run.step, attempt: 1, try: 1 },
    ...{ input: { ask: [1, 'two'] }, heartbeatMs: 250, inputs: [], dependencies: [] },
  });
  expect(Date.parse(work.deadline)).toBeGreaterThan(Date.now());
  expect(await it.say(work, { kind: 'accepted' })).toEqual({ ok: true });
  expect(await it.say(work, { kind: 'heartbeat' })).toEqual({ ok: true });
  const text = 'half, and c4nary-c4nary';
  expect(await it.say(work, { kind: 'progress', percent: 50, text })).toEqual({ ok: true });
  const usage = { inputTokens: 3, outputTokens: 4, costUsd: 0.5 };
  const artifacts = [{ path: 'a/b.txt', content: base64('made') }];
  const metadata = { model: 'c4nary-c4nary' };
  const result = { kind: 'result', outcome: 'success', artifacts, usage, metadata };
  expect(await it.say(work, result)).toEqual({ ok: true });
  const end = await ended(run);
  expect(end).toMatchObject({
    ...{ result: 'success', exitCode: null, usage, stdout: 'half, and [redacted:KEY]\n' },
    adapter: { kind: 'worker', version: '1' },
    artifacts: [{ path: 'a/b.txt', bytes: 4 }],
    metadata: { model: '[redacted:KEY]' },
  });
  expect(await world.typesOf(run.runId)).toEqual(['RunClaimed', 'RunEnded']);
});

test('a result is answered when it is recorded, also when it is said again', async () => {
  const it = await worker();
  const run = await world.start({ adapter: adapter() });
  const work = await it.take();
  await it.say(work, { kind: 'accepted' });
  const result = { kind: 'result', outcome: 'success' };
  const answers = await Promise.all([it.say(work, result), it.say(work, result)]);
  expect(answers).toEqual([{ ok: true }, { ok: true }]);
  expect(await world.endOf(run.runId)).toMatchObject({ result: 'success' });
  expect(await it.say(work, result)).toEqual({ ok: true });
  expect(await world.typesOf(run.runId)).toEqual(['RunClaimed', 'RunEnded']);
});

test('work that is delivered twice is taken by one, and whatever the other says changes nothing', async () => {
  const first = await worker();
  const run = await world.start({ adapter: adapter() });
  const work = await first.take();
  const second = await worker();
  expect(await first.say(work, { kind: 'accepted' })).toEqual({ ok: true });
  expect(await first.say(work, { kind: 'accepted' })).toEqual({ ok: true });
  const result = { kind: 'result', outcome: 'failed', message: 'by the other' };
  expect(await second.say(work, { kind: 'accepted' })).toEqual(refused('taken'));
  expect(await second.say(work, result)).toEqual(refused('taken'));
  expect(await second.say({ ...work, token: 'guessed' }, result)).toEqual(refused('stale'));
  expect(await second.say(work, { kind: 'result', outcome: 'great' })).toEqual(
    refused('malformed'),
  );
  expect(await second.say(work, { kind: 'heartbeat', more: 1 })).toEqual(refused('malformed'));
  await first.say(work, { kind: 'result', outcome: 'success' });
  expect((await ended(run)).result).toBe('success');
});

test('a worker that takes it and falls silent is given up, and another try is handed out', async () => {
  const it = await worker();
  const retry = { retries: 1, baseDelayMs: 0 };
  const run = await world.start({ adapter: adapter(), retry: retry as RunWork['retry'] });
  const work = await it.take();
  await it.say(work, { kind: 'accepted' });
  const again = await it.take();
  expect(again).toMatchObject({ runId: run.runId, try: 2 });
  expect(again.token).not.toBe(work.token);
  const late = { kind: 'result', outcome: 'failed', message: 'late' };
  expect(await it.say(work, late)).toEqual(refused('stale'));
  await it.say(again, { kind: 'accepted' });
  await it.say(again, { kind: 'result', outcome: 'success' });
  expect(await ended(run)).toMatchObject({
    result: 'success',
    attempts: [{ error: { kind: 'infrastructure', code: 'worker_silent' } }, { attempt: 2 }],
  });
});

test('work that no worker takes in time says where it waited', async () => {
  const end = await ended(await world.start({ adapter: adapter(), timeoutMs: 300 }));
  expect(end).toMatchObject({ result: 'timed_out', error: { kind: 'timeout', code: 'no_worker' } });
  expect(end.error?.message).toContain(subjects.workerWork('tester'));
  const it = await worker();
  const old = await it.take(); // it waits there still, and is nobody's
  expect(await it.say(old, { kind: 'accepted' })).toEqual(refused('ended'));
});

test('a step that is cancelled ends at once, and its worker is told', async () => {
  const it = await worker();
  const run = await world.start({ adapter: adapter() });
  const work = await it.take();
  await it.say(work, { kind: 'accepted' });
  const told = it.cancelled(run.runId);
  const { directiveId, step, runId } = run;
  const data = { step, runId };
  await world.append(streamOf.directive(directiveId), 'StepCancelled', data);
  const subject = subjects.event('directive', directiveId, 'StepCancelled');
  world.bus.broadcast(subject, Buffer.from(JSON.stringify(data)));
  expect(await told).toMatchObject({ protocol: 1, runId, token: work.token });
  expect((await ended(run)).result).toBe('cancelled');
  const result = { kind: 'result', outcome: 'success' };
  expect(await it.say(work, result)).toEqual(refused('cancelled'));
});

test('a worker may refuse, or say that it failed; neither is tried again by itself', async () => {
  const it = await worker();
  const retry = { retries: 3, baseDelayMs: 0 } as RunWork['retry'];
  const first = await world.start({ adapter: adapter(), retry });
  await it.say(await it.take(), { kind: 'refused', reason: 'no such input' });
  expect(await ended(first)).toMatchObject({
    result: 'failed',
    error: { kind: 'invalid', code: 'worker_refused' },
  });
  const second = await world.start({ adapter: adapter(), retry });
  const work = await it.take();
  await it.say(work, { kind: 'accepted' });
  await it.say(work, { kind: 'result', outcome: 'failed', message: 'broken: c4nary-c4nary' });
  expect(await ended(second)).toMatchObject({
    result: 'failed',
    error: { kind: 'exit', code: 'worker_failed', message: 'broken: [redacted:KEY]' },
  });
});

test('a file outside of the workspace, and one that holds a secret, are refused', async () => {
  const it = await worker();
  for (const [path, content, code] of [
    ['x.txt', base64('c4nary-c4nary'), 'secret_in_output'],
    ['a/b', base64('b'), undefined],
  ] as const) {
    const run = await world.start({ adapter: adapter() });
    const work = await it.take();
    await it.say(work, { kind: 'accepted' });
    const outside = { kind: 'result', outcome: 'success', artifacts: [{ path: '../x', content }] };
    expect(await it.say(work, outside)).toEqual(refused('malformed'));
    const artifacts = [{ path, content }];
    await it.say(work, { kind: 'result', outcome: 'success', artifacts });
    expect((await ended(run)).error?.code).toBe(code);
  }
});

test('work that the queue has lost is put into it again', async () => {
  const run = await world.start({ adapter: adapter() });
  const queued = () => world.server.messagesOf('WRIT_WORKERS').size;
  await eventually(() => queued() === 1, { what: 'the work in the queue' });
  world.server.wipe();
  const it = await worker();
  const work = await it.take();
  await it.say(work, { kind: 'accepted' });
  await it.say(work, { kind: 'result', outcome: 'success' });
  expect((await ended(run)).result).toBe('success');
});

test('a step that finds no place holds no lease and no claim, and has its turn; both are counted', async () => {
  const it = await worker();
  const full = await world.open('full', { env: { WRIT_SLOTS: 'worker=1' } });
  await one.stop();
  const [first, second] = [
    await world.start({ adapter: adapter(1) }),
    await world.start({ adapter: adapter(2) }),
  ];
  const work = await it.take();
  const other = work.runId === first.runId ? second : first;
  await it.say(work, { kind: 'accepted' });
  const places = async (name: string) =>
    new RegExp(`^${name}{[^}]*place="worker"[^}]*} (\\d+)$`, 'm').exec(
      await full.metricsText(),
    )?.[1];
  await eventually(async () => (await places('writ_places_wanted')) === '1', { what: 'the other' });
  expect(await places('writ_places_used')).toBe('1');
  expect(await full.leases.living([work.runId, other.runId])).toEqual(new Set([work.runId]));
  expect(await world.typesOf(other.runId)).toEqual([]);
  await it.say(work, { kind: 'result', outcome: 'success' });
  const next = await it.take();
  expect(next.runId).toBe(other.runId);
  await it.say(next, { kind: 'accepted' });
  await it.say(next, { kind: 'result', outcome: 'success' });
  expect((await ended(other)).result).toBe('success');
  await eventually(async () => (await places('writ_places_used')) === '0', { what: 'free places' });
});

test('a step that is cancelled while it waits for a place ends, and is handed to nobody', async () => {
  const it = await worker();
  const full = await world.open('full', { env: { WRIT_SLOTS: 'all=1' } });
  await one.stop();
  await world.start({ adapter: adapter(1) });
  await it.say(await it.take(), { kind: 'accepted' });
  const waiting = await world.start({ adapter: adapter(2) });
  await eventually(() => full.active.has(waiting.runId), { what: 'the second step' });
  const { directiveId, step, runId } = waiting;
  await world.append(streamOf.directive(directiveId), 'StepCancelled', { step, runId });
  await full.keeper.beat();
  expect((await ended(waiting)).result).toBe('cancelled');
});

/** As an executor leaves it that died while a worker had its work. */
async function claimedByGhost(work: RunWork): Promise<void> {
  const { runId, directiveId, step, attempt } = work;
  await world.append(streamOf.directive(directiveId), 'StepStarted', { step, runId, attempt });
  await world.append(streamOf.run(runId), 'RunClaimed', {
    ...{ runId, directiveId, step, attempt, claim: 1, executorId: 'ghost', stages: [] },
    adapter: { kind: 'worker', version: '1' },
    bundle: { hash: `sha256:${'0'.repeat(64)}`, components: {}, excluded: [] },
  });
}

/** Rings until somebody takes it over: the time of the ghost's lease has to pass first. */
const takenOver = (work: RunWork, until: () => boolean | Promise<boolean>) =>
  eventually(
    async () => {
      await world.ring(work);
      return until();
    },
    { what: 'the takeover', timeoutMs: 10_000 },
  );

test('the executor that takes a run over hands it out anew; the worker of the dead one is refused', async () => {
  const it = await worker();
  const run = workOf({ adapter: adapter(), idempotent: true });
  await claimedByGhost(run);
  let work: WorkerWork | undefined;
  void it.take().then((taken) => (work = taken));
  await takenOver(run, () => work !== undefined);
  const { replyTo, token } = work as unknown as WorkerWork;
  await it.say({ replyTo, token }, { kind: 'accepted' });
  const result = { kind: 'result', outcome: 'success' };
  const ofGhost = { replyTo, token: 'that of the ghost' };
  expect(await it.say(ofGhost, { ...result, outcome: 'failed' })).toEqual(refused('stale'));
  expect(await it.say({ replyTo, token }, result)).toEqual({ ok: true });
  expect(await ended(run)).toMatchObject({ result: 'success', claim: 2, executorId: 'one' });
});

test('a run that is not idempotent is in doubt when its executor died, and handed out to nobody', async () => {
  const run = workOf({ adapter: adapter(), idempotent: false });
  await claimedByGhost(run);
  await takenOver(run, async () => (await world.endOf(run.runId)) !== undefined);
  expect((await ended(run)).error?.kind).toBe('in_doubt');
  expect(world.server.messagesOf('WRIT_WORKERS').size).toBe(0);
});
