/**
 * Programs that behave badly, as steps of a real stack: each ends as it is written down, what it said is
 * kept within bounds, and no process of it is left.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type DirectiveDocument, type RunDocument } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { unrest } from './aftermath';
import { zombies } from './holdings';
import { programsLeft } from './processes-left';
import { Stage } from './stage';

const MiB = 1024 * 1024;
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
}, 120_000);

afterAll(async () => {
  expect(await stage?.close()).toEqual([]);
}, 60_000);

interface Beast {
  readonly script: string;
  readonly timeoutMs?: number;
  readonly stdoutTo?: string;
}

async function fetched<T>(path: string): Promise<T> {
  const response = await fetch(`${stage.harness.gatewayUrl}${path}`);
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}`);
  return (await response.json()) as T;
}

/** Lets it loose as the only step of a directive; its run, once the directive has ended. */
async function letLoose({ script, timeoutMs, stdoutTo }: Beast): Promise<RunDocument> {
  const id = await stage.client.submit({
    title: `zoo ${randomUUID()}`,
    goal: 'behave badly',
    chain: {
      steps: [
        {
          name: 'beast',
          adapter: { kind: 'shell', script, ...(stdoutTo === undefined ? {} : { stdoutTo }) },
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
          verify: 'none',
          cache: false,
        },
      ],
    },
  });
  const directive = await eventually(
    async () => {
      const found = await fetched<DirectiveDocument>(`/v1/directives/${id}`);
      return /completed|failed/.test(found.status) && found;
    },
    { what: 'the directive to end', timeoutMs: 100_000, every: 100 },
  );
  const none = () => programsLeft(new Set([id])).length === 0;
  await eventually(none, { what: 'no process of it to be left', timeoutMs: 5_000 });
  const { steps } = directive as DirectiveDocument;
  return fetched<RunDocument>(`/v1/runs/${steps[0]!.runId}`);
}

it('one that ignores TERM is killed after the grace, with all that it started', async () => {
  const script =
    'trap "" TERM; (trap "" TERM; while :; do sleep 1; done) & while :; do sleep 1; done';
  const run = await letLoose({ script, timeoutMs: 1_000 });
  expect(run).toMatchObject({ result: 'timed_out', error: { kind: 'timeout', code: 'timed_out' } });
  expect(run.durationMs).toBeGreaterThan(5_000); // the grace
  expect(run.durationMs).toBeLessThan(15_000);
}, 60_000);

it.each([
  ['with setsid', '(setsid sleep 300 >/dev/null 2>&1 </dev/null &); echo started'],
  ['forked twice', '( (setsid sh -c "while :; do sleep 1; done" &) & ); echo started'],
  ['that holds its output open', 'setsid sh -c "sleep 300; echo late" & echo started'],
])(
  'one that leaves a daemon behind, %s, has ended when it exits, and the daemon with it',
  async (_, script) => {
    const run = await letLoose({ script });
    expect(run).toMatchObject({ result: 'success', exitCode: 0, stdout: 'started\n' });
    expect(run.durationMs).toBeLessThan(10_000);
  },
  60_000,
);

it('one that reads stdin gets its end at once', async () => {
  const run = await letLoose({ script: 'cat; read line || echo "nothing: $?"' });
  expect(run).toMatchObject({ result: 'success', stdout: 'nothing: 1\n' });
}, 60_000);

it('one that goes on writing after its time is over is stopped, and what it wrote is kept in bounds', async () => {
  const script = 'trap "" TERM; while :; do echo "still here and writing on and on"; done';
  const run = await letLoose({ script, timeoutMs: 500 });
  expect(run).toMatchObject({ result: 'timed_out' });
  expect(await kept(run)).toBeLessThan(16 * MiB);
}, 60_000);

it('one that floods stdout with a GiB is read to its end in little memory, and its transcript is short', async () => {
  const executors = [stage.harness.service('executor'), stage.harness.service('executor-2')];
  const before = executors.map(({ pid }) => residentBytes(pid!));
  const peaks = [...before];
  const look = setInterval(() => {
    executors.forEach(({ pid }, at) => (peaks[at] = Math.max(peaks[at]!, residentBytes(pid!))));
  }, 50);
  try {
    const run = await letLoose({ script: 'head -c 1073741824 /dev/zero' });
    expect(run).toMatchObject({ result: 'success', exitCode: 0 });
    const [counted] = await stage.ask<{ bytes: string }>(
      `select substring(data from '"stdoutBytes":([0-9]+)') as bytes from log.event
       where type = 'RunEnded' and stream = $1`,
      [`run-${run.runId}`],
    );
    expect(Number(counted!.bytes)).toBe(1024 * MiB);
    expect(await kept(run)).toBeLessThan(16 * MiB);
  } finally {
    clearInterval(look);
  }
  const growth = peaks.map((peak, at) => (peak - before[at]!) / MiB);
  expect(Math.max(...growth)).toBeLessThan(160);
}, 120_000);

it('one whose stdout is more than its file may hold fails, and says why', async () => {
  const flood = 'head -c 1073741825 /dev/zero'; // a byte more than the limit
  const run = await letLoose({ script: flood, stdoutTo: 'flood.bin' });
  expect(run).toMatchObject({ result: 'failed', error: { kind: 'output', code: 'too_large' } });
}, 120_000);

it('after the zoo the executors are what they were', async () => {
  expect(stage.harness.service('executor').starts).toBe(1);
  expect(stage.harness.service('executor-2').starts).toBe(1);
  const ids = await stage.submitAll(3);
  await stage.completed(ids);
  expect(await unrest(stage.harness)).toEqual([]);
  expect(zombies(stage.harness)).toEqual([]);
}, 60_000);

/** Bytes of what it said, as they are kept. */
async function kept({ transcript }: RunDocument): Promise<number> {
  const response = await fetch(`${stage.harness.gatewayUrl}/v1/artifacts/${transcript}`);
  return (await response.arrayBuffer()).byteLength;
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}
