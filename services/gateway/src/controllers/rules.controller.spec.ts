import { consumers } from '@writ/contracts';

import { type Json, problemOf, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

const rule = { name: 'small-fixes', when: { levels: ['green'] }, verdict: 'approve' };
const asked: unknown[] = [];
let answer: object = {};

beforeAll(async () => {
  const { standIns } = gateway;
  await standIns.answer('planner', 'rules', (question) => {
    asked.push(question);
    return [];
  });
  await standIns.answer('planner', 'rule', (question) => question);
  const options = { parse: (data: unknown) => data as Record<string, unknown>, concurrency: 1 };
  await standIns.bus.consume(consumers.plannerRules, options, (command) => {
    standIns.commands.push(command);
    return Promise.resolve(answer);
  });
});

test('rules are listed, by state, and shown', async () => {
  expect(await (await gateway.get('/v1/rules?status=promoted&limit=5')).json()).toEqual([]);
  expect(asked.at(-1)).toEqual({ status: 'promoted', limit: 5 });
  expect(await (await gateway.get('/v1/rules/small-fixes')).json()).toEqual({
    name: 'small-fixes',
  });
  expect((await gateway.get('/v1/rules?status=lost')).status).toBe(400);
  expect((await gateway.get('/v1/rules/Not_One')).status).toBe(404);
});

test('a new one goes to the planner whole, with who makes it', async () => {
  answer = { ok: true, name: 'small-fixes', version: 1, position: 7 };
  const response = await gateway.post('/v1/rules', rule, { 'writ-person': 'alice' });
  expect(response.status).toBe(202);
  expect((await response.json()) as Json).toEqual({
    ...{ name: 'small-fixes', version: 1, position: 7 },
    commandId: expect.any(String),
  });
  expect(gateway.standIns.commands.at(-1)).toMatchObject({
    subject: 'writ.command.rule.create',
    data: { ...rule, promoteAfter: 20 },
    attributes: { actor: { kind: 'person', id: 'alice' }, type: 'writ.command.rule.create' },
  });
});

test.each([
  ['promote', {}],
  ['revoke', { reason: 'why' }],
])('"%s" is told to it', async (verb, more) => {
  answer = { ok: true, name: 'small-fixes', version: 2, position: 8 };
  const response = await gateway.post('/v1/rules/small-fixes/commands', { verb, ...more });
  expect(response.status).toBe(202);
  expect(gateway.standIns.commands.at(-1)).toMatchObject({
    subject: `writ.command.rule.${verb}`,
    data: { name: 'small-fixes', ...more },
  });
});

test('a promotion that is not earned is a conflict that says what is missing', async () => {
  const details = { agreements: 1, promoteAfter: 20, missing: 19 };
  answer = { ok: false, error: { code: 'illegal_transition', message: '19 missing', details } };
  const response = await gateway.post('/v1/rules/small-fixes/commands', { verb: 'promote' });
  expect(response.status).toBe(409);
  expect(await problemOf(response)).toMatchObject({ code: 'illegal_transition', details });
});

test.each([
  ['/v1/rules', { ...rule, name: 'Not One' }],
  ['/v1/rules', { ...rule, verdict: 'rework' }],
  ['/v1/rules', { ...rule, when: { level: ['green'] } }],
  ['/v1/rules', { ...rule, promoteAfter: 0 }],
  ['/v1/rules/small-fixes/commands', { verb: 'create' }],
  ['/v1/rules/small-fixes/commands', { verb: 'promote', reason: 'why' }],
])('POST %s with %j is malformed', async (path, body) => {
  const before = gateway.standIns.commands.length;
  expect((await gateway.post(path, body)).status).toBe(400);
  expect(gateway.standIns.commands).toHaveLength(before);
});
