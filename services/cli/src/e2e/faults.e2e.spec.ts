/**
 * Faults on what `writ up` starts, and what operators see of them. After each: every accepted directive
 * has exactly one final state, and the read models are equal to a rebuild. What goes wrong with single
 * processes, lines and servers is tried in `services/chaos`.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  DirectiveFileInput,
  DirectiveSummary,
  LogVerification,
  RebuildReport,
} from '@writ/contracts';
import { eventually, TestStack } from '@writ/testing';
import { Client } from 'pg';

const count = 50;
let stack: TestStack;
let gateway: string;

beforeAll(async () => {
  stack = await TestStack.start();
  gateway = (await stack.file()).gatewayUrl;
}, 120_000);

afterAll(() => stack?.stop(), 60_000);

/** A diamond of four programs that take long enough to be caught in the middle. */
function work(title: string): DirectiveFileInput {
  const step = (name: string, dependsOn: string[]) => ({
    name,
    dependsOn,
    adapter: { kind: 'shell' as const, script: `sleep 0.1; echo "$WRIT_RUN" > ${name}.txt` },
    idempotent: true,
    cache: false,
    outputs: [`${name}.txt`],
    verify: [{ kind: 'files' as const, paths: [`${name}.txt`], nonEmpty: true }],
  });
  const steps = [step('a', []), step('b', ['a']), step('c', ['a']), step('d', ['b', 'c'])];
  return { title, goal: 'survive', chain: { steps } };
}

/** Submits until it is accepted, as a client does that repeats with its key. */
async function submit(directive: DirectiveFileInput, key: string): Promise<string> {
  const accepted = await eventually(
    async () => {
      const response = await fetch(`${gateway}/v1/directives`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ directive }),
        signal: AbortSignal.timeout(15_000),
      });
      const body = (await response.json()) as { directiveId?: string; detail?: string };
      if (response.status === 202) return body.directiveId;
      throw new Error(`${response.status}: ${body.detail}`);
    },
    { what: 'the directive to be accepted', timeoutMs: 60_000, every: 200 },
  );
  return String(accepted);
}

async function submitAll(title: string): Promise<string[]> {
  const keys = Array.from({ length: count }, () => randomUUID());
  return Promise.all(keys.map((key) => submit(work(title), key)));
}

async function listed(ids: readonly string[]): Promise<DirectiveSummary[]> {
  const all = await stack.json<DirectiveSummary[]>(['list', '--limit', '1000']);
  return all.filter((it) => ids.includes(it.id));
}

const underWay = (ids: readonly string[]) =>
  eventually(
    async () => (await eventsOf(ids)).filter((it) => it.type === 'StepPassed').length >= count / 2,
    { what: 'the work to be in its middle', timeoutMs: 60_000, every: 50 },
  );

interface LogEvent {
  readonly type: string;
  readonly stream: string;
}

async function eventsOf(ids: readonly string[]): Promise<LogEvent[]> {
  const { stdout } = await stack.writ(['events', '--json']);
  const streams = new Set(ids.map((id) => `directive-${id}`));
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogEvent)
    .filter((event) => streams.has(event.stream));
}

async function expectAllWell(ids: readonly string[]): Promise<void> {
  expect(new Set(ids).size).toBe(count);
  await eventually(
    async () => (await listed(ids)).filter((it) => it.status === 'completed').length === count,
    { what: 'every directive to be completed', timeoutMs: 90_000, every: 300 },
  );
  const ends = (await eventsOf(ids)).filter((it) =>
    /^Directive(Completed|Failed|Stopped)$/.test(it.type),
  );
  expect(ends.map((it) => it.stream).sort()).toEqual(ids.map((id) => `directive-${id}`).sort());
  const report = await stack.json<RebuildReport>(['rebuild', '--check']);
  expect(report.projections.filter((it) => !it.equal)).toEqual([]);
  expect((await stack.writ(['log', 'verify'])).code).toBe(0);
}

const services = ['planner', 'executor', 'verifier', 'manifest', 'gateway'];

it('all services killed with -9 in the middle of the work cost time, and no directive', async () => {
  const ids = await submitAll('killed');
  await underWay(ids);
  await Promise.all(services.map((service) => stack.kill(service)));
  await expectAllWell(ids);
}, 180_000);

it('NATS may be killed and lose everything that it stored', async () => {
  const ids = await submitAll('wiped');
  await underWay(ids);
  rmSync(join(stack.home, '.writ/nats'), { recursive: true, force: true });
  await stack.kill('nats');
  await expectAllWell(ids);
}, 180_000);

describe('what a superuser does to the log', () => {
  let database: Client;

  beforeAll(async () => {
    database = new Client({ connectionString: (await stack.file()).databaseUrl });
    await database.connect();
    await database.query('alter table log.event disable trigger all');
  });

  afterAll(() => database?.end());

  const verify = async () => {
    const { code, stdout } = await stack.writ(['log', 'verify', '--json']);
    return { code, ...(JSON.parse(stdout) as LogVerification) };
  };

  it('is found by log verify when an event is edited, with its position', async () => {
    const [edited] = await swap('survive', 'perish');
    expect(await verify()).toMatchObject({ code: 11, ok: false, firstBad: { position: edited } });
    await swap('perish', 'survive');
    expect(await verify()).toMatchObject({ code: 0, ok: true });
  }, 60_000);

  it('is found when the checkpoints are taken away, which the chain does not show', async () => {
    const file = join(stack.home, '.writ/data/manifest/checkpoints/log.jsonl');
    const text = readFileSync(file);
    rmSync(file);
    const found = await verify();
    expect(found).toMatchObject({ code: 11, ok: false });
    expect(found.firstBad?.reason).toMatch(/were signed, and .* their file was removed or cut/);
    writeFileSync(file, text);
    expect(await verify()).toMatchObject({ code: 0, ok: true });
  }, 60_000);

  it('is found when the end of the log is cut off', async () => {
    const { headPosition } = await verify();
    await database.query('delete from log.event where position > $1', [headPosition - 500]);
    const reason = expect.stringMatching(/^the log ends at \d+, but \d+ was signed$/) as string;
    expect(await verify()).toMatchObject({ code: 11, ok: false, firstBad: { reason } });
  }, 60_000);

  /** In the first event that holds it; its position. */
  async function swap(before: string, after: string): Promise<number[]> {
    const { rows } = await database.query<{ position: string }>(
      `update log.event set data = replace(data, $1, $2)
       where position = (select min(position) from log.event where type = 'DirectiveCreated')
       returning position`,
      [before, after],
    );
    return rows.map(({ position }) => Number(position));
  }
});
