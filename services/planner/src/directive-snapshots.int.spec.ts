import { streamOf } from '@writ/contracts';
import { directiveDecider, directiveDocument, type Directive } from '@writ/domain';
import {
  Aggregates,
  openPostgresLog,
  PostgresSnapshotTable,
  uuidV7,
  type PostgresLog,
} from '@writ/event-log';
import { eventually, longDirective, testDatabase, type TestDatabase } from '@writ/testing';
import { createLogger } from '@writ/observability';
import { Client } from 'pg';
import { openSnapshots, rebuildWithSnapshots } from './directive-snapshots';

const directiveId = 'abcdefgh12345678';
const stream = streamOf.directive(directiveId);
const told = longDirective({ directiveId, steps: 100, events: 5_000, waiting: 5 });
const nothing = { events: 0, seconds: 0, projections: [] };

let database: TestDatabase;
let log: PostgresLog;
let client: Client;
let table: PostgresSnapshotTable;

beforeAll(async () => {
  database = await testDatabase();
  log = await openPostgresLog({ url: database.urlFor('planner') });
  client = new Client({ connectionString: database.urlFor('planner') });
  await client.connect();
  const ask = async (text: string, values: unknown[] = []): Promise<unknown> =>
    (await client.query(text, values)).rows;
  table = new PostgresSnapshotTable(ask, 'planner');
  for (let from = 0; from < told.events.length; from += 500) {
    const events = told.events.slice(from, from + 500).map(({ type, data, metadata }) => {
      return { id: uuidV7(), type, schemaVersion: 1, data, metadata };
    });
    await log.append({ stream, expectedVersion: from, events });
  }
}, 60_000);

afterAll(async () => {
  await client.end();
  await log.close();
  await database.drop();
});

/** As another planner, that has nothing in memory. */
function planner() {
  const logger = createLogger({ service: 'planner', instance: 'test', level: 'silent' });
  const snapshots = openSnapshots({ table, restMs: 0 }, { log, logger });
  return { snapshots, directives: new Aggregates({ log, decider: directiveDecider, snapshots }) };
}

describe('a directive with a long life', () => {
  it('is folded once; another planner goes on from the snapshot to the same', async () => {
    const first = planner();
    const folded = await first.directives.load(stream);
    await eventually(async () => first.snapshots.written === 1, { what: 'the snapshot' });
    const reads = jest.spyOn(log, 'readStream');
    const second = planner();
    const again = await second.directives.load(stream);

    expect(again.version).toBe(told.events.length);
    expect(second.snapshots.used).toBe(1);
    expect(directiveDocument(again.state as Directive)).toEqual(
      directiveDocument(folded.state as Directive),
    );
    const read = await Promise.all(reads.mock.results.map(({ value }) => value as Promise<[]>));
    expect(read.reduce((sum, { length }) => sum + length, 0)).toBe(501);
    reads.mockRestore();
  });

  it('is the same with and without its snapshot, by a rebuild that checks', async () => {
    const report = await rebuildWithSnapshots(nothing, { check: true }, { log, table });
    expect(report.projections).toEqual([{ name: 'snapshot', rows: 1, equal: true }]);
  });

  it('is told to differ where somebody has changed the snapshot', async () => {
    const kept = await table.read(stream);
    if (kept === undefined) throw new Error('there is no snapshot');
    const state = kept.state.replace('"generation":1', '"generation":2');
    await table.write({ ...kept, state });
    const report = await rebuildWithSnapshots(nothing, { check: true }, { log, table });
    expect(report.projections).toEqual([{ name: 'snapshot', rows: 1, equal: false }]);
  });

  it('has no snapshot after a rebuild, and has one again when it was folded', async () => {
    await rebuildWithSnapshots(nothing, { check: false }, { log, table });
    expect(await table.read(stream)).toBeUndefined();
    const { directives, snapshots } = planner();
    await directives.load(stream);
    await eventually(async () => snapshots.written === 1, { what: 'the snapshot' });
    const report = await rebuildWithSnapshots(nothing, { check: true }, { log, table });
    expect(report.projections).toEqual([{ name: 'snapshot', rows: 1, equal: true }]);
  });
});
