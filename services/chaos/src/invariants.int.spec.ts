import { type EmptyDatabase, emptyDatabase } from '@writ/testing';
import { Client } from 'pg';
import { brokenInTheLog, invariants } from './invariants';

let database: EmptyDatabase;
let client: Client;

type Event = readonly [stream: string, type: string, data?: object];

const steps = [
  { name: 'a', dependsOn: [] },
  { name: 'b', dependsOn: ['a'] },
];
const runOf = (step: string) => ({ runId: `aaaaaaaaaaaaaaaa-g1-${step}-a1` });
const good: readonly Event[] = [
  ['directive-x', 'DirectiveCreated'],
  ['directive-x', 'ChainActivated', { steps }],
  ['directive-x', 'StepStarted', { step: 'a' }],
  ['run-a', 'RunClaimed', { claim: 1 }],
  ['run-a', 'RunClaimed', { claim: 2 }],
  ['run-a', 'RunEnded'],
  ['directive-x', 'StepPassed', { step: 'a', run: runOf('a') }],
  ['directive-x', 'StepStarted', { step: 'b' }],
  ['directive-x', 'StepPassed', { step: 'b', run: runOf('b') }],
  ['directive-x', 'DirectiveCompleted'],
  ['directive-x', 'DirectiveArchived'],
];

/** A log without the constraints that keep a real one in order. */
beforeAll(async () => {
  database = await emptyDatabase();
  client = new Client({ connectionString: database.adminUrl });
  await client.connect();
  await client.query('create schema log');
  await client.query(
    'create table log.event (position bigint, stream text, version integer, type text, data text)',
  );
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

async function store(events: readonly Event[]): Promise<void> {
  await client.query('truncate log.event');
  const versions = new Map<string, number>();
  for (const [index, [stream, type, data = {}]] of events.entries()) {
    const version = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, version);
    const row = [index + 1, stream, version, type, JSON.stringify(data)];
    await client.query('insert into log.event values ($1, $2, $3, $4, $5)', row);
  }
}

const without = (...indexes: number[]) => good.filter((_, index) => !indexes.includes(index));
const twice = (index: number) =>
  good.flatMap((event, at) => (at === index ? [event, event] : [event]));

it('has nothing to say of a log in which all is well', async () => {
  await store(good);
  expect(await brokenInTheLog(client)).toEqual([]);
});

it.each([
  ['what was accepted has one final state', without(9), 'directive-x has 0 final states'],
  [
    'nothing but archiving and refusals follows a final state',
    [...good, ['directive-x', 'DirectivePaused']],
    'directive-x: DirectivePaused at position 12 follows its end',
  ],
  [
    'a step passes at most once in a generation',
    twice(8),
    'directive-x: b passes 2 times in generation 1',
  ],
  ['a run ends at most once', twice(5), 'run-a ends 2 times'],
  ['claims of a run are numbered in their order', without(3), 'run-a: claim 2 is number 1'],
  [
    'a step starts when all that it depends on has passed',
    without(6),
    'directive-x: b starts at version 4 before a has passed',
  ],
] as [string, Event[], string][])('sees that not: %s', async (rule, events, what) => {
  await store(events);
  expect(await brokenInTheLog(client)).toEqual([`${rule}: ${what}`]);
});

it('sees gaps of positions and versions', async () => {
  await store(good);
  await client.query(`delete from log.event where position = 4`);
  const found = (await brokenInTheLog(client)).map((line) => line.split(':')[0]);
  expect(new Set(found)).toEqual(
    new Set([
      'positions are without a gap',
      'versions of a stream are without a gap, in the order of the log',
      'claims of a run are numbered in their order',
    ]),
  );
  expect(Object.keys(invariants)).toEqual(expect.arrayContaining(found));
});
