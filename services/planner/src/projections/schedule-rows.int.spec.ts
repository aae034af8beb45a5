import { type ScheduleEventData } from '@writ/contracts';
import {
  scheduleDecider,
  scheduleSummary,
  type Checked,
  type Schedule,
  type ScheduleCommand,
} from '@writ/domain';
import { Aggregates, Follower, openPostgresLog, postgresSeats, rebuild } from '@writ/event-log';
import type { EventLog } from '@writ/event-log';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { DataSource } from 'typeorm';
import { scheduleRows, ScheduleRows } from './schedule-rows';

const idOf = (n: number) => `schedule${String(n).padStart(8, '0')}`;

let database: TestDatabase;
let url: string;
let log: EventLog;
let source: DataSource;
let rows: ScheduleRows;
let follower: Follower;

beforeEach(async () => {
  database = await testDatabase();
  url = database.urlFor('planner');
  log = await openPostgresLog({ url });
  source = await new DataSource({ type: 'postgres', url }).initialize();
  rows = new ScheduleRows(source);
  follower = new Follower({
    ...{ seats: postgresSeats(url), log, projection: scheduleRows },
    ...{ restMs: 0, pollMs: 20 },
  });
});
afterEach(async () => {
  await follower.stop();
  await source.destroy();
  await log.close();
  await database.drop();
});

const spec: ScheduleEventData<'ScheduleCreated'> = {
  name: 'a NUL \0 and half a pair \ud800',
  trigger: { kind: 'subject', subject: 'a.>', variablesFrom: {} },
  overlap: 'allow',
  catchUp: 'last',
  directive: { title: 't' },
  contentDigest: `sha256:${'a'.repeat(64)}`,
};
const at = '2026-01-02T00:00:00.000Z';

async function give(n: number, command: ScheduleCommand): Promise<Schedule> {
  const schedules = new Aggregates({ log, decider: scheduleDecider });
  const commandId = 'commandId' in command ? command.commandId : 'reaction';
  const actor = { kind: 'person', id: 'somebody' } as const;
  const metadata = { commandId, correlationId: idOf(n), actor };
  await schedules.handle(`schedule-${idOf(n)}`, command, metadata);
  return (await schedules.load(`schedule-${idOf(n)}`)).state as Schedule;
}
const create = (n: number, more: object = {}) => {
  return give(n, {
    type: 'create',
    commandId: 'c',
    scheduleId: idOf(n),
    spec: { ...spec, ...more },
  });
};
const hear = (n: number, key: string, more: Partial<Checked> = {}) => {
  const occurrence = { by: 'subject', scheduledFor: at, key, variables: {} } as const;
  return give(n, { type: 'hear', heard: { occurrence, ...more }, ended: new Set() });
};
const caughtUp = async () => follower.waitFor((await log.head()).position, 5_000);

it('lists what a schedule shows of itself, newest first, removed ones when they are asked for', async () => {
  for (const n of [1, 2, 3]) await create(n, { name: `S${n}` });
  await hear(1, 'message-id:1');
  await hear(1, 'message-id:2', { problem: { reason: 'invalid', message: 'no' } });
  const first = await give(1, { type: 'pause', commandId: 'p', reason: 'why' });
  const third = await give(3, { type: 'remove', commandId: 'r' });
  await caughtUp();
  const listed = await rows.list({ limit: 10 });
  expect(listed.map(({ id }) => id)).toEqual([2, 1].map(idOf));
  expect(listed[1]).toEqual(scheduleSummary(first));
  expect(await rows.list({ limit: 10, status: 'removed' })).toEqual([scheduleSummary(third)]);
  expect(await rows.list({ limit: 1 })).toHaveLength(1);
});

it('knows which may have something due, by the time of the database', async () => {
  for (const n of [1, 2, 3]) await create(n);
  await give(2, { type: 'pause', commandId: 'p' });
  await give(3, { type: 'remove', commandId: 'r' });
  await caughtUp();
  const { now, schedules, counts } = await rows.toWatch(false);
  const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
  expect([...schedules].sort(byId)).toEqual([
    { id: idOf(1), version: 1 },
    { id: idOf(2), version: 2 },
  ]);
  expect(counts).toEqual({ active: 1, paused: 1 });
  const [last] = (await log.readAll()).slice(-1);
  expect(now > (last?.recordedAt ?? '')).toBe(true);
  expect((await rows.toWatch(true)).schedules).toHaveLength(3);
});

it('goes on over texts that no column takes, and is equal to one built anew', async () => {
  await create(1);
  await hear(1, 'message-id:1', { problem: { reason: 'invalid', message: 'a NUL \0' } });
  await create(2);
  await hear(2, 'message-id:1');
  const { directiveId } = (await hear(2, 'message-id:2')).firings.at(-1)!;
  await give(2, { type: 'note-refused', directiveId, code: 'c', message: '\0' });
  await caughtUp();
  const [two, one] = await rows.list({ limit: 2 });
  expect(one).toMatchObject({
    name: 'a NUL \ufffd and half a pair \ud800',
    lastSkipped: { message: 'a NUL \ufffd' },
  });
  expect(two).toMatchObject({ fired: 2, lastFired: { directiveId, refused: '\ufffd' } });
  const built = await rebuild({ url, log, projection: scheduleRows });
  expect(built).toMatchObject({ rows: 2, equal: true });
});
