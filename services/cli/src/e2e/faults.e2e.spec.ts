/**
 * Faults on the real processes. After each: every accepted directive has exactly one final state,
 * and the read models are equal to a rebuild.
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectiveFileInput, DirectiveSummary, RebuildReport } from '@writ/contracts';
import { eventually, TestStack } from '@writ/testing';
import { Client } from 'pg';

const count = 20;
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
    adapter: { kind: 'shell' as const, script: `sleep 0.2; echo "$WRIT_RUN" > ${name}.txt` },
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

describe.each(['planner', 'executor', 'verifier', 'manifest', 'gateway'])(
  'killing the %s with -9 in the middle of the work',
  (service) => {
    it('costs time, and no directive', async () => {
      const ids = await submitAll(`killed ${service}`);
      await underWay(ids);
      await stack.kill(service);
      await expectAllWell(ids);
    }, 180_000);
  },
);

describe('NATS', () => {
  it('may be killed and lose everything that it stored', async () => {
    const ids = await submitAll('wiped');
    await underWay(ids);
    rmSync(join(stack.home, '.writ/nats'), { recursive: true, force: true });
    await stack.kill('nats');
    await expectAllWell(ids);
  }, 180_000);
});

describe('the same command twenty times at once', () => {
  it('makes one directive, and every sender gets the same answer', async () => {
    const key = randomUUID();
    const ids = await Promise.all(Array.from({ length: 20 }, () => submit(work('same'), key)));
    expect(new Set(ids).size).toBe(1);
    const created = (await eventsOf(ids)).filter((it) => it.type === 'DirectiveCreated');
    expect(created).toHaveLength(1);
  }, 60_000);
});

describe('an event that a superuser edits', () => {
  it('is found by log verify, with its position', async () => {
    const { databaseUrl } = await stack.file();
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      await client.query('alter table log.event disable trigger all');
      const change = `update log.event set data = replace(data, 'survive', 'perish')
                      where position = (select min(position) from log.event
                                        where type = 'DirectiveCreated') returning position`;
      const edited = await client.query<{ position: string }>(change);
      const verify = await stack.writ(['log', 'verify', '--json']);
      expect(verify.code).toBe(11);
      expect(JSON.parse(verify.stdout)).toMatchObject({
        ok: false,
        firstBad: { position: Number(edited.rows[0]?.position) },
      });
    } finally {
      await client.end();
    }
  }, 60_000);
});
