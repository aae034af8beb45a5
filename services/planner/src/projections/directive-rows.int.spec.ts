import { randomUUID } from 'node:crypto';
import { DirectiveFile, type DirectiveStatus } from '@writ/contracts';
import {
  directiveDecider,
  directiveSummary,
  planExplicit,
  type DirectiveCommand,
} from '@writ/domain';
import { Aggregates, Follower, openPostgresLog, postgresSeats, rebuild } from '@writ/event-log';
import type { EventLog } from '@writ/event-log';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { DataSource } from 'typeorm';
import { directiveRows, DirectiveRows } from './directive-rows';

const idOf = (n: number) => `directive${String(n).padStart(7, '0')}`;

let database: TestDatabase;
let url: string;
let log: EventLog;
let source: DataSource;
let rows: DirectiveRows;
let follower: Follower;

beforeEach(async () => {
  database = await testDatabase();
  url = database.urlFor('planner');
  log = await openPostgresLog({ url });
  source = await new DataSource({ type: 'postgres', url }).initialize();
  rows = new DirectiveRows(source);
  follower = new Follower({
    ...{ seats: postgresSeats(url), log, projection: directiveRows },
    ...{ restMs: 0, pollMs: 20 },
  });
});
afterEach(async () => {
  await follower.stop();
  await source.destroy();
  await log.close();
  await database.drop();
});

async function give(n: number, command: DirectiveCommand): Promise<void> {
  const directives = new Aggregates({ log, decider: directiveDecider });
  const commandId = 'commandId' in command ? command.commandId : randomUUID();
  const metadata = { commandId, correlationId: idOf(n), actor };
  await directives.handle(`directive-${idOf(n)}`, command, metadata);
}

async function create(n: number, start = true): Promise<void> {
  const steps = [{ name: 'one', adapter: { kind: 'echo' } }];
  const plan = planExplicit(DirectiveFile.parse({ title: `T${n}`, goal: 'g', chain: { steps } }));
  if ('issues' in plan) throw new Error(JSON.stringify(plan.issues));
  const contentDigest = `sha256:${'c'.repeat(64)}`;
  const about = { commandId: `create-${n}`, directiveId: idOf(n), contentDigest, start };
  await give(n, { type: 'create', ...plan, ...about });
}

const actor = { kind: 'person', id: 'somebody' } as const;

const caughtUp = async () => follower.waitFor((await log.head()).position, 5_000);
const ids = async (asked: { status?: DirectiveStatus; limit?: number; after?: string }) =>
  (await rows.list({ limit: 100, ...asked }))?.map(({ id }) => id);

it('lists directives newest first, by state, page by page', async () => {
  for (const n of [1, 2, 3, 4]) await create(n, n !== 2);
  await give(3, { type: 'stop', commandId: 'stop', reason: 'enough' });
  await caughtUp();
  expect(await ids({})).toEqual([4, 3, 2, 1].map(idOf));
  expect(await ids({ limit: 2 })).toEqual([4, 3].map(idOf));
  expect(await ids({ limit: 2, after: idOf(3) })).toEqual([2, 1].map(idOf));
  expect(await ids({ status: 'active', after: idOf(4) })).toEqual([1].map(idOf));
  expect(await ids({ after: idOf(9) })).toBeUndefined();
  const [, stopped] = (await rows.list({ limit: 2 })) ?? [];
  const [first] = await log.readStream(`directive-${idOf(3)}`, { limit: 1 });
  expect(stopped).toMatchObject({
    ...{ title: 'T3', status: 'stopped', reason: 'enough', costUsd: 0 },
    createdAt: first?.recordedAt,
    position: (await log.head()).position,
  });
});

it('knows what has not ended, by the time of the database', async () => {
  for (const n of [1, 2, 3, 4]) await create(n, n !== 2);
  await give(3, { type: 'stop', commandId: 'stop' });
  await give(4, { type: 'pause', commandId: 'pause' });
  await caughtUp();
  const { ids: found, now } = await rows.unfinished();
  expect(found).toEqual([1, 4].map(idOf));
  const [last] = (await log.readAll({ limit: 100 })).slice(-1);
  expect(now > (last?.recordedAt ?? '')).toBe(true);
  expect(await rows.countByStatus()).toHaveLength(4);
});

it('goes on over texts that no column takes, and is equal to one built anew', async () => {
  await create(1);
  const reason = 'a NUL \0, half a pair \ud800, and $1';
  await give(1, { type: 'pause', commandId: 'pause', reason });
  await create(2);
  await give(2, { type: 'stop', commandId: 'stop', reason: '\0' });
  await caughtUp();
  const [two, one] = (await rows.list({ limit: 2 })) ?? [];
  expect([one?.reason, two?.reason]).toEqual([
    'a NUL \ufffd, half a pair \ufffd, and $1',
    '\ufffd',
  ]);
  const built = await rebuild({ url, log, projection: directiveRows });
  expect(built).toMatchObject({ rows: 2, equal: true });
});

it('lists what a directive shows of itself, without goal and steps', async () => {
  const evidence = [{ step: 'one', runId: 'r1' }];
  const criteria = [
    { id: 'AC "1"', met: true, evidence },
    { id: 'AC2\0', met: null, evidence: [] },
  ];
  await create(1);
  const directives = new Aggregates({ log, decider: directiveDecider });
  const { version } = await directives.load(`directive-${idOf(1)}`);
  const event = {
    ...{ id: randomUUID(), type: 'DirectiveCompleted', schemaVersion: 1, data: { criteria } },
    metadata: { commandId: 'c', correlationId: idOf(1), actor },
  };
  await log.append({ stream: `directive-${idOf(1)}`, expectedVersion: version, events: [event] });
  await caughtUp();
  const { state } = await directives.load(`directive-${idOf(1)}`);
  if (state.status === 'absent') throw new Error('it is not there');
  expect(await rows.list({ limit: 1 })).toEqual([directiveSummary(state)]);
  expect(directiveSummary(state).criteria).toEqual(criteria);
});
