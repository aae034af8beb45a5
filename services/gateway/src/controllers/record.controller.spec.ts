import type { Why } from '@writ/contracts';
import { QueryError } from '@writ/messaging';
import { type Json, problemOf, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

const id = 'abcdefghabcdefgh';
const runId = `${id}-g1-one-a1`;
const asked: unknown[] = [];
const cause = (text: string) => ({ kind: 'x', text, since: null, unblock: null });
const why: Why = { id, state: 'running', because: [cause('by the planner')] };
let executorSays: () => unknown = () => ({ ...why, because: [cause('by the executor')] });

beforeAll(async () => {
  const { standIns } = gateway;
  for (const name of ['why', 'state', 'diff', 'backtest']) {
    await standIns.answer('planner', name, (question) => {
      asked.push(question);
      return why;
    });
  }
  await standIns.answer('executor', 'why', () => executorSays());
});

const because = async (of: string) => {
  const response = await gateway.get(`/v1/directives/${id}/why?of=${of}`);
  return ((await response.json()) as Why).because.map(({ text }) => text);
};

test('why asks the planner, and of a run its executors too', async () => {
  expect(await (await gateway.get(`/v1/directives/${id}/why`)).json()).toEqual(why);
  expect(asked.at(-1)).toEqual({ id });
  expect(await because(`${id}-g1-one`)).toEqual(['by the planner']);
  expect(await because(runId)).toEqual(['by the planner', 'by the executor']);
  expect(asked.at(-1)).toEqual({ id: runId });
  expect((await gateway.get(`/v1/directives/${id}/why?of=zzzz`)).status).toBe(404);
});

test('a run is explained as far as it is known when the executors know nothing, or are away', async () => {
  executorSays = () => {
    throw new QueryError('not_found', 'no');
  };
  expect(await because(runId)).toEqual(['by the planner']);
  executorSays = () => {
    throw new QueryError('unavailable', 'no');
  };
  expect(await because(runId)).toEqual([
    ...['by the planner', 'no executor answers, so what it knows of the run is missing here'],
  ]);
});

test.each([
  ['17', 17],
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
  ['2026-01-31T12:00:00.123456%2B02:00', '2026-01-31T12:00:00.123456+02:00'],
])('the state at %s', async (text, at) => {
  expect((await gateway.get(`/v1/directives/${id}/state?at=${text}`)).status).toBe(200);
  expect(asked.at(-1)).toEqual({ id, at });
});

test.each([
  'state',
  'state?at=0',
  'state?at=-1',
  'state?at=yesterday',
  'state?at=2026-13-01T00:00Z',
])('%s names no moment', async (path) => {
  const response = await gateway.get(`/v1/directives/${id}/${path}`);
  expect(response.status).toBe(400);
});

test('two directives, or two moments, are compared', async () => {
  expect((await gateway.get(`/v1/diff?a=${id}&b=${id}@12`)).status).toBe(200);
  expect(asked.at(-1)).toEqual({ a: { id }, b: { id, at: 12 } });
  for (const b of ['', 'x', `${id}@`, `${id}@now`, `${id}@1@2`]) {
    expect((await gateway.get(`/v1/diff?a=${id}&b=${b}`)).status).toBe(400);
  }
});

test('a policy is tested as it is written, and one with unknown keys is refused', async () => {
  const policy = { thresholds: { green: 0.9 }, limits: { maxReworkCycles: 1 } };
  const response = await gateway.post('/v1/backtest', { policy, limit: 5 });
  expect(response.status).toBe(200);
  expect(asked.at(-1)).toEqual({ policy, limit: 5 });
  const refused = await gateway.post('/v1/backtest', { policy: { treshold: 1 } });
  expect(refused.status).toBe(400);
  expect((await problemOf(refused)) as Json).toMatchObject({ code: 'malformed' });
  const turned = { thresholds: { green: 0.5, yellow: 0.6 } };
  expect((await gateway.post('/v1/backtest', { policy: turned })).status).toBe(400);
  expect(
    (await gateway.post('/v1/backtest', { policy: {} }, { 'idempotency-key': '' })).status,
  ).toBe(400);
});
