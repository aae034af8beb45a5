/** Faults on the real processes, a short form; `npm run chaos` is the long one. */
import { randomUUID } from 'node:crypto';
import { eventually, seededRandom } from '@writ/testing';
import { unrest } from './aftermath';
import { keptSecrets } from './check-secrets';
import { Duplicator } from './duplicator';
import { episodeKinds, Episodes } from './episodes';
import type { ProcessName } from './harness';
import { holdingsOf, leakedSince, zombies } from './holdings';
import { Stage } from './stage';
import { Work } from './work';
import { longStep, makeDirective } from './workload';
import { Client as Database } from 'pg';

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
}, 120_000);

afterAll(async () => {
  expect(await stage?.close()).toEqual([]);
}, 60_000);

/** What happened to a run, and by which executor. */
const historyOf = (run: string) =>
  stage.ask<{ type: string; by: string }>(
    `select type, data::jsonb ->> 'executorId' as by from log.event
     where stream = $1 and type in ('RunClaimed', 'RunEnded') order by version`,
    [`run-${run}`],
  );

/** The executor that carries out a long step, and its run. */
async function holder(): Promise<{ executor: ProcessName; run: string }> {
  const sql = `select executor_id as executor, run_id as run from executor.lease
               where run_id like '%-${longStep}-%'`;
  const look = () => stage.ask<{ executor: ProcessName; run: string }>(sql);
  const begun = async () => (await look()).length > 0 && (await look());
  const leases = await eventually(begun, { what: 'an executor to begin a long step', every: 50 });
  return (leases as { executor: ProcessName; run: string }[])[0]!;
}

it('work of every kind comes to the end that it should, in peace, and nothing is held on to after it', async () => {
  const { harness, client } = stage;
  const play = async (name: string) => {
    const episodes = new Episodes(1, harness, name);
    const of = new Work(client, episodes);
    // Two that are the same: one of them does the work, the other is handed what it made.
    await Promise.all([...episodeKinds, 'cached' as const].map((it) => of.play(episodes.next(it))));
    return of.allEnded(90_000);
  };
  const all = episodeKinds.length + 1;
  expect(await play('first')).toMatchObject({ well: all, failed: 2, stopped: 1, broken: [] });
  expect(await unrest(harness)).toEqual([]);
  const before = await holdingsOf(harness);
  expect(await play('second')).toMatchObject({ well: all, broken: [] });
  expect(await unrest(harness)).toEqual([]);

  expect(await stage.found()).toEqual([]);
  expect(await leakedSince(before, harness)).toEqual([]);
  expect(zombies(harness)).toEqual([]);
  const database = new Database({ connectionString: harness.postgres.url });
  await database.connect();
  try {
    expect(await keptSecrets(harness, database)).toEqual([]);
  } finally {
    await database.end();
  }
  const made = stage.witness().filter(({ step }) => step === 'made' || step === 'used');
  expect(made).toHaveLength(4);
}, 180_000);

it('an executor that stands still for longer than its lease does nothing twice', async () => {
  const ids = await stage.submitAll(3, { longTenths: 100 });
  const { executor: name, run } = await holder();
  const other = name === 'executor' ? 'executor-2' : 'executor';
  const executor = stage.harness.service(name);
  const { starts } = executor;
  const begun = () => stage.witness().some((it) => it.run === run);
  await eventually(begun, { what: 'its program to bear witness', every: 20 });
  executor.signal('SIGSTOP');
  try {
    // The other one takes over what it held; until then its programs have to be gone.
    const took = async () => (await historyOf(run)).some(({ by }) => by === other);
    await eventually(took, { what: 'the other executor to take over', timeoutMs: 30_000 });
  } finally {
    executor.signal('SIGCONT');
  }
  await stage.expectAllWell([...ids, ...(await stage.submitAll(2))]);
  expect(executor.starts).toBe(starts);
  // What the first had begun it gave up, and whatever it tried to write of it was refused.
  expect(await historyOf(run)).toEqual([
    { type: 'RunClaimed', by: name },
    { type: 'RunClaimed', by: other },
    { type: 'RunEnded', by: other },
  ]);
  const executions = stage.witness().filter((it) => it.run === run);
  expect(executions.map(({ succeeded }) => succeeded)).toEqual([false, true]);
}, 120_000);

it('all connections to NATS cut at once are opened again, and no directive notices', async () => {
  const ids = await stage.submitAll(6, { once: true });
  await stage.underWay(ids);
  const cut = stage.harness.proxies('nats').map((proxy) => proxy.reset());
  expect(Math.min(...cut)).toBeGreaterThan(0);
  await stage.expectAllWell(ids);
}, 120_000);

it('every message delivered three times, and late, changes nothing', async () => {
  const duplicator = await Duplicator.start(stage.harness, { seed: 1 });
  const { heard } = duplicator;
  const ids: string[] = [];
  try {
    ids.push(...(await stage.submitAll(12, { once: true })));
    await stage.expectAllWell(ids);
    // Copies of the last messages come when there is nothing to be done any more.
    const all = () => duplicator.copies === 2 * [...heard.values()].reduce((sum, it) => sum + it);
    await eventually(all, { what: 'the last copies to be sent' });
  } finally {
    await duplicator.stop();
  }
  for (const kind of ['command', 'work', 'evaluate', 'event']) {
    expect(heard.get(kind) ?? 0).toBeGreaterThanOrEqual(ids.length);
  }
  await stage.expectAllWell(ids);
}, 120_000);

it('the same command a hundred times at once makes one directive, and all get the same answer', async () => {
  const { workFolder } = stage.harness;
  const directive = makeDirective(seededRandom(5), { number: 1000, workFolder });
  const key = randomUUID();
  const ids = await Promise.all(
    Array.from({ length: 100 }, () => stage.client.submit(directive, { key })),
  );
  expect(new Set(ids).size).toBe(1);
  await stage.expectAllWell(ids);
  const again = randomUUID();
  const stops = await Promise.all(
    Array.from({ length: 100 }, () => stage.client.tell(ids[0]!, 'stop', { key: again })),
  );
  expect(stops).toEqual(Array(100).fill(false));
  const refused = await stage.ask(
    `select from log.event where type = 'CommandRefused' and stream = $1`,
    [`directive-${ids[0]}`],
  );
  expect(refused).toHaveLength(1);
}, 120_000);

it('a client behind a line that breaks again and again is told once, and what it is told is true', async () => {
  const { door } = stage.harness;
  door.delay(500, 0, ['down']); // so that what is cut off has been decided and not told
  const submitting = Promise.all(Array.from({ length: 10 }, () => stage.submitAll(1)));
  for (let times = 0; times < 3; times += 1) {
    const before = door.passed.up;
    const asked = () => door.passed.up > before + 5_000;
    await eventually(asked, { what: 'several to ask', every: 10 });
    expect(door.reset()).toBeGreaterThan(0);
  }
  door.heal();
  const ids = (await submitting).flat();
  expect(stage.client.history.filter(({ op }) => op === 'info').length).toBeGreaterThan(3);
  await stage.expectAllWell(ids);
}, 120_000);

it('the checker believes the witness and the client, not the log', async () => {
  const executions = stage.witness();
  const { history } = stage.client;
  const first = executions.find((it) => it.succeeded && it.step === 'a')!;
  const told = { ...history.find((it) => it.op === 'ok')!, key: 'x', directiveId: 'lost' };
  const doctored = [...executions, { ...first, token: 'another', pid: 1 }];
  const without = executions.filter((it) => it.directive !== first.directive);
  expect(await stage.found([...history, told], doctored)).toEqual([
    'a client was told of lost, and the log has no such',
    expect.stringContaining('times in the log, and by what clients were told'),
    expect.stringMatching(`^${first.directive} ${first.step}: processes .* overlap by`),
  ]);
  expect(await stage.found(history, without)).toContain(
    `${first.directive} ${first.step} passed, and no execution of it came to its end`,
  );
}, 60_000);
