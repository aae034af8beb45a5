import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layeredStore, openMemoryStore, openPostgresStore } from '@writ/content-store';
import type { ContentStore } from '@writ/content-store';
import { consumers, type ManifestSealed, subjects } from '@writ/contracts';
import {
  type EventLog,
  openPostgresLog,
  postgresSeats,
  PublishedReporter,
  rebuild,
} from '@writ/event-log';
import { MemoryBus } from '@writ/messaging';
import { createLogger, createRegistry, metricsOf, type Registry } from '@writ/observability';
import { publishingLog } from '@writ/service-host';
import { eventually, testDatabase, type TestDatabase } from '@writ/testing';
import { checkLog } from './check-log';
import { DirectiveHistory } from './directive-history';
import { manifestRows } from './projections/manifest-rows';
import { RecordLoops } from './record-loops';
import { Sealing } from './seal-manifests';

const logger = createLogger({ service: 'manifest', instance: 'test', level: 'silent' });
const directiveId = (n: number) => `directive${String(n).padStart(7, '0')}`;

let dir: string;
let database: TestDatabase;
let url: string;
let log: EventLog;
let content: ContentStore;
let bus: MemoryBus;
let running: RecordLoops[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'writ-record-'));
  database = await testDatabase();
  url = database.urlFor('manifest');
  log = await openPostgresLog({ url });
  const small = openPostgresStore({ url });
  content = layeredStore({ small, large: openMemoryStore() });
  bus = new MemoryBus();
  running = [];
});
afterEach(async () => {
  for (const loops of running) await end(loops);
  await bus.drain(1_000);
  await content.close();
  await log.close();
  await database.drop();
  rmSync(dir, { recursive: true, force: true });
});

const checkpoints = () => ({ file: join(dir, 'log.jsonl'), keyFile: join(dir, 'key.pem') });

/** The loops of one process. */
async function start(): Promise<{ loops: RecordLoops; registry: Registry }> {
  const registry = createRegistry('manifest', 'test');
  const metrics = metricsOf(registry, 'manifest');
  const broadcast = (bytes: Uint8Array) => bus.broadcast(subjects.published, bytes);
  const reporter = new PublishedReporter({ broadcast });
  const own = publishingLog(log, { bus, reporter, logger, source: '/writ/manifest' });
  const sealing = new Sealing({ log: own, content, engineVersion: '1.0.0', metrics });
  const loops = new RecordLoops({
    seats: postgresSeats(url),
    ...{ log: own, bus, logger, registry, metrics, sealing },
    checkpoints: checkpoints(),
  });
  await loops.begin();
  running.push(loops);
  return { loops, registry };
}

async function end(loops: RecordLoops): Promise<void> {
  for (const step of loops.stop) await step.run();
}

async function history(id: string): Promise<void> {
  const directive = new DirectiveHistory(log, id);
  await directive.create([
    { name: 'one', verify: [{ kind: 'files', paths: ['x'] }] },
    { name: 'two', dependsOn: ['one'] },
  ]);
  await directive.runEnds('one');
  await directive.evaluates('one', 'green');
  await directive.runEnds('two');
}

const sealed = async () =>
  (await log.readAll({ streamPrefixes: ['manifest-'], limit: 10_000 })).map(
    (event) => event.data as ManifestSealed,
  );

it('seals what happened before it began and what happens while it runs', async () => {
  for (let n = 0; n < 40; n += 1) await history(directiveId(n));
  const { loops, registry } = await start();
  await history(directiveId(40));
  await eventually(async () => (await sealed()).length === 41 * 3, { what: 'all manifests' });
  const last = (await sealed()).at(-1) as ManifestSealed;
  const text = Buffer.from(await content.get(last.digest)).toString();
  expect(JSON.parse(text)).toMatchObject({ kind: 'directive', status: 'completed' });
  await loops.sealedUpToNow();
  const shown = await registry.getSingleMetricAsString('writ_manifests_sealed_total');
  expect(shown).toContain('{subject="run"} 82');
});

it('goes on where another process ended, and seals nothing twice', async () => {
  await history(directiveId(1));
  const first = await start();
  await eventually(async () => (await sealed()).length === 3, { what: 'the first manifests' });
  const second = await start(); // stands by
  await history(directiveId(2));
  await eventually(async () => (await sealed()).length === 6, { what: 'the second ones' });
  await end(first.loops);
  await history(directiveId(3));
  await eventually(async () => (await sealed()).length === 9, { what: 'the third ones' });
  expect(new Set((await sealed()).map(({ subjectId }) => subjectId)).size).toBe(9);
  await second.loops.sealedUpToNow();
});

it('keeps read models that a rebuild from the log finds equal', async () => {
  for (let n = 0; n < 5; n += 1) await history(directiveId(n));
  await start();
  await eventually(async () => (await sealed()).length === 15, { what: 'all manifests' });
  const report = await eventually(
    async () => {
      const built = await rebuild({ url, log, projection: manifestRows });
      return built.rows > 15 && built.position >= (await log.head()).position && built;
    },
    { what: 'the read model to follow to the head' },
  );
  expect(report).toMatchObject({ name: 'manifest', equal: true });
});

it('publishes, as the relay, what its writer has not published', async () => {
  const heard: string[] = [];
  const parse = (data: unknown) => data as { runId: string };
  await bus.consume(consumers.plannerRuns, { parse, concurrency: 1 }, (message) =>
    Promise.resolve(void heard.push(message.data.runId)),
  );
  await history(directiveId(1)); // straight into the log, as by a process that died
  await start();
  await eventually(() => heard.length === 2, { what: 'both ends of runs' });
  expect(heard).toEqual([`${directiveId(1)}-g1-one-a1`, `${directiveId(1)}-g1-two-a1`]);
});

it('signs checkpoints against which the log is verified', async () => {
  for (let n = 0; n < 10; n += 1) await history(directiveId(n));
  const { loops } = await start();
  await eventually(async () => (await sealed()).length === 30, { what: 'all manifests' });
  await end(loops);
  expect(existsSync(checkpoints().file)).toBe(true);
  const registry = createRegistry('manifest', 'test');
  const metrics = metricsOf(registry, 'manifest');
  const verification = { url, checkpoints: checkpoints() };
  const told: unknown[] = [];
  const report = await checkLog({ verification, logger, metrics }, {}, (state) => told.push(state));
  const head = await log.head();
  expect(report).toMatchObject({ ok: true, events: head.position, headHash: head.hash });
  expect(report.checkpoints).toBeGreaterThan(0);
  expect(told.length).toBeGreaterThan(1);
  const shown = await registry.getSingleMetricAsString('writ_log_verified_position');
  expect(shown).toContain(`writ_log_verified_position ${head.position}`);
});

it('verifies a log of which nothing is signed yet', async () => {
  await history(directiveId(1));
  const metrics = metricsOf(createRegistry('manifest', 'test'), 'manifest');
  const verification = { url, checkpoints: checkpoints() };
  const report = await checkLog({ verification, logger, metrics }, {}, () => undefined);
  expect(report).toMatchObject({ ok: true, checkpoints: 0 });
});
