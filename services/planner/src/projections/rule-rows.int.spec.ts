import { type RuleEventData } from '@writ/contracts';
import { ruleDecider, ruleSummary, type Rule, type RuleCommand } from '@writ/domain';
import { Aggregates, Follower, openPostgresLog, postgresSeats, rebuild } from '@writ/event-log';
import type { EventLog } from '@writ/event-log';
import { testDatabase, type TestDatabase } from '@writ/testing';
import { DataSource } from 'typeorm';
import { ruleRows, RuleRows } from './rule-rows';

let database: TestDatabase;
let url: string;
let log: EventLog;
let source: DataSource;
let rows: RuleRows;
let follower: Follower;

beforeEach(async () => {
  database = await testDatabase();
  url = database.urlFor('planner');
  log = await openPostgresLog({ url });
  source = await new DataSource({ type: 'postgres', url }).initialize();
  rows = new RuleRows(source);
  follower = new Follower({
    ...{ seats: postgresSeats(url), log, projection: ruleRows },
    ...{ restMs: 0, pollMs: 20 },
  });
});
afterEach(async () => {
  await follower.stop();
  await source.destroy();
  await log.close();
  await database.drop();
});

const digest = `sha256:${'a'.repeat(64)}`;
const spec: RuleEventData<'RuleCreated'> = {
  ...{ name: 'a', when: { minScore: 0.5 }, verdict: 'approve', promoteAfter: 1 },
  contentDigest: digest,
};

async function give(name: string, command: RuleCommand): Promise<Rule> {
  const rules = new Aggregates({ log, decider: ruleDecider });
  const actor = { kind: 'person', id: 'somebody' } as const;
  const commandId = 'commandId' in command ? command.commandId : 'reaction';
  await rules.handle(`rule-${name}`, command, { commandId, correlationId: name, actor });
  return (await rules.load(`rule-${name}`)).state as Rule;
}
const create = (name: string) =>
  give(name, { type: 'create', commandId: 'c', spec: { ...spec, name } });
const decided = (n: number) => ({
  ...{ approvalId: `abcdefgh12345678-g1-one-a${n}-review`, digest, position: 1_000 + n },
});
const judge = (name: string, n: number, humanVerdict: 'approve' | 'deny' = 'approve') =>
  give(name, { type: 'judge', ...decided(n), humanVerdict, by: ['a NUL \0'], edited: false });
const promote = (name: string, commandId = 'p') =>
  give(name, { type: 'promote', commandId, by: 'a NUL \0' });
const caughtUp = async () => follower.waitFor((await log.head()).position, 5_000);

it('lists what rules show of themselves, by name, and those that are not revoked', async () => {
  for (const name of ['c', 'a', 'b']) await create(name);
  await judge('a', 1);
  await promote('a');
  const first = await give('a', { type: 'note-decided', ...decided(2) });
  await judge('b', 1);
  await promote('b');
  const second = await judge('b', 2, 'deny');
  const third = await give('c', { type: 'revoke', commandId: 'r', by: 'x', reason: 'why' });
  await caughtUp();
  const readable = (rule: Rule) =>
    JSON.parse(JSON.stringify(ruleSummary(rule)).replaceAll('\\u0000', '\ufffd')) as object;
  const all = await rows.list({ limit: 10 });
  expect(all).toEqual([first, second, third].map(readable));
  expect(all.map(({ status }) => status)).toEqual(['promoted', 'shadow', 'revoked']);
  expect(await rows.list({ limit: 10, status: 'promoted' })).toEqual([readable(first)]);
  expect(await rows.list({ limit: 1 })).toHaveLength(1);
  expect((await rows.live()).sort()).toEqual(['a', 'b']);
});

it('made anew from the log it is the same', async () => {
  await create('a');
  await judge('a', 1);
  await promote('a');
  await caughtUp();
  const report = await rebuild({ url, log, projection: ruleRows });
  expect(report).toMatchObject({ rows: 1, equal: true });
});
