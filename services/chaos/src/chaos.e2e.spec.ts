/** Faults on the real processes, a short form; `npm run chaos` is the long one. */
import { join } from 'node:path';
import { eventually, seededRandom } from '@writ/testing';
import { Client as Database } from 'pg';
import { check } from './check';
import { Client } from './client';
import { Harness, type ProcessName } from './harness';
import { stackLeft } from './processes-left';
import { readWitness, witnessFile } from './witness';
import { longStep, makeDirective, type Wanted } from './workload';

const leaseMs = 3_000;
const random = seededRandom(1);
let harness: Harness;
let client: Client;
let number = 0;

beforeAll(async () => {
  harness = await Harness.start({ seed: 1, leaseMs });
  client = new Client(harness.gatewayUrl, join(harness.folder, 'history.jsonl'));
}, 120_000);

afterAll(async () => {
  await harness?.stop();
  const left = harness === undefined ? [] : stackLeft(harness.home);
  await harness?.remove();
  expect(left).toEqual([]);
}, 60_000);

const witness = () => readWitness(join(harness.workFolder, witnessFile));

type Kind = Pick<Wanted, 'once' | 'longTenths'>;

function submitAll(count: number, kind: Kind = {}): Promise<string[]> {
  const { workFolder } = harness;
  const directives = Array.from({ length: count }, () =>
    makeDirective(random, { number: (number += 1), workFolder, ...kind }),
  );
  return Promise.all(directives.map((directive) => client.submit(directive)));
}

/** Steps of these directives are being carried out. */
const underWay = (ids: readonly string[]) =>
  eventually(
    () => witness().filter((it) => ids.includes(it.directive) && it.succeeded).length >= 3,
    { what: 'the work to be in its middle', timeoutMs: 30_000, every: 50 },
  );

const found = (history = client.history, executions = witness()) => {
  const { url: databaseUrl } = harness.postgres;
  return check({ databaseUrl, gatewayUrl: harness.gatewayUrl, history, executions });
};

async function ask<Row extends object>(sql: string): Promise<Row[]> {
  const database = new Database({ connectionString: harness.postgres.url });
  await database.connect();
  try {
    return (await database.query<Row>(sql)).rows;
  } finally {
    await database.end();
  }
}

/** Runs that were taken over from an executor whose lease had ended. */
const takeovers = () =>
  ask(`select from log.event where type = 'RunClaimed' and (data::jsonb ->> 'claim')::int > 1`);

/** The executor that carries out a long step. */
const holder = () =>
  eventually(
    async () => {
      const [lease] = await ask<{ executor_id: string }>(
        `select executor_id from executor.lease where run_id like '%-${longStep}-%'`,
      );
      return (lease?.executor_id ?? '') as ProcessName | '';
    },
    { what: 'an executor to begin a long step', every: 50 },
  );

async function expectAllWell(ids: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const ended = await client.list();
      const open = ended.filter((it) => ids.includes(it.id) && it.status !== 'completed');
      if (open.length > 0) throw new Error(open.map((it) => `${it.id} ${it.status}`).join(', '));
      expect(ended.filter((it) => ids.includes(it.id))).toHaveLength(ids.length);
    },
    { what: 'every directive to be completed', timeoutMs: 60_000, every: 200 },
  );
  expect(await found()).toEqual([]);
}

it('PostgreSQL stopped at once and started again under load costs time, and nothing else', async () => {
  const ids = await submitAll(6);
  await underWay(ids);
  await harness.postgres.stop('immediate');
  const more = submitAll(2); // with nobody there to accept them yet
  await harness.postgres.start();
  await expectAllWell([...ids, ...(await more)]);
}, 120_000);

it('an executor that stands still for longer than its lease does nothing twice', async () => {
  const before = (await takeovers()).length;
  const ids = await submitAll(3, { longTenths: 100 });
  const executor = harness.service((await holder()) as ProcessName);
  const { starts } = executor;
  executor.signal('SIGSTOP');
  try {
    // The other one takes over what it held; until then its programs have to be gone.
    const took = async () => (await takeovers()).length > before;
    await eventually(took, { what: 'the other executor to take over', timeoutMs: 30_000 });
  } finally {
    executor.signal('SIGCONT');
  }
  await expectAllWell([...ids, ...(await submitAll(2))]);
  expect(executor.starts).toBe(starts);
}, 120_000);

it('all connections to NATS cut at once are opened again, and no directive notices', async () => {
  const ids = await submitAll(6, { once: true });
  await underWay(ids);
  const cut = harness.proxies('nats').map((proxy) => proxy.reset());
  expect(Math.min(...cut)).toBeGreaterThan(0);
  await expectAllWell(ids);
}, 120_000);

it('the checker believes the witness and the client, not the log', async () => {
  const executions = witness();
  const first = executions.find((it) => it.succeeded)!;
  const told = { ...client.history.find((it) => it.op === 'ok')!, key: 'x', directiveId: 'lost' };
  const doctored = [...executions, { ...first, token: 'another', pid: 1 }];
  expect(await found([...client.history, told], doctored)).toEqual([
    'a client was told of lost, and the log has no such',
    expect.stringMatching(`^${first.directive} ${first.step}: processes .* overlap by`),
  ]);
  const without = executions.filter((it) => it.directive !== first.directive);
  expect(await found(client.history, without)).toContain(
    `${first.directive} ${first.step} passed, and no execution of it came to its end`,
  );
}, 60_000);
