import { consumers } from '@writ/contracts';

import { type Json, problemOf, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway();

const id = 'abcdefghabcdefgh';
const step = { name: 'one', adapter: { kind: 'echo' } };
const directive = { title: 't', goal: 'g', chain: { steps: [step] } };
const trigger = { kind: 'cron', cron: '0 6 * * *', timezone: 'Europe/Berlin' };
const next = ['2026-01-01T05:00:00.000Z'];
const asked: unknown[] = [];
let answer: object = {};

beforeAll(async () => {
  const { standIns } = gateway;
  await standIns.answer('planner', 'schedules', (question) => {
    asked.push(question);
    return [];
  });
  await standIns.answer('planner', 'schedule', () => ({ id }));
  const options = { parse: (data: unknown) => data as Record<string, unknown>, concurrency: 1 };
  await standIns.bus.consume(consumers.plannerSchedules, options, (command) => {
    standIns.commands.push(command);
    return Promise.resolve(answer);
  });
});

test('schedules are listed, by state, and shown', async () => {
  expect(await (await gateway.get('/v1/schedules?status=paused&limit=5')).json()).toEqual([]);
  expect(asked.at(-1)).toEqual({ status: 'paused', limit: 5 });
  expect(await (await gateway.get(`/v1/schedules/${id}`)).json()).toEqual({ id });
  expect((await gateway.get('/v1/schedules?status=lost')).status).toBe(400);
  expect((await gateway.get('/v1/schedules/nothing')).status).toBe(404);
});

test('a new one goes to the planner as it is, with who wants it, and its next times come back', async () => {
  answer = { ok: true, scheduleId: id, version: 1, position: 7, next };
  const body = { trigger, directive, overlap: 'allow' };
  const response = await gateway.post('/v1/schedules', body, { 'writ-person': 'alice' });
  expect(response.status).toBe(202);
  const accepted = (await response.json()) as Json;
  expect(accepted).toMatchObject({ scheduleId: id, position: 7, version: 1, next });
  expect(accepted).not.toHaveProperty('ok');
  expect(gateway.standIns.commands.at(-1)).toMatchObject({
    subject: 'writ.command.schedule.create',
    data: { trigger, overlap: 'allow', directive: { title: 't' } },
    attributes: { actor: { kind: 'person', id: 'alice' }, type: 'writ.command.schedule.create' },
  });
});

test('the directive in it is checked as one that is submitted', async () => {
  const response = await gateway.post('/v1/schedules', {
    trigger,
    directive: { ...directive, gaol: 1 },
  });
  expect(response.status).toBe(422);
  expect(await problemOf(response)).toMatchObject({
    code: 'invalid_directive',
    details: { issues: [{ code: 'unknown_key' }] },
  });
});

test.each([
  ['pause', { reason: 'why' }],
  ['resume', {}],
  ['remove', { reason: 'why' }],
  ['fire', { event: '{}' }],
])('"%s" is told to it', async (verb, more) => {
  answer = { ok: true, scheduleId: id, version: 2, position: 8, directiveId: id };
  const response = await gateway.post(`/v1/schedules/${id}/commands`, { verb, ...more });
  expect((await response.json()) as Json).toMatchObject({ scheduleId: id, next: [] });
  expect(gateway.standIns.commands.at(-1)).toMatchObject({
    subject: `writ.command.schedule.${verb}`,
    data: { scheduleId: id, ...more },
  });
});

test.each([
  ['/v1/schedules', { trigger: { kind: 'cron', cron: 'never' }, directive }],
  ['/v1/schedules', { trigger: { kind: 'subject', subject: 'writ.>' }, directive }],
  [`/v1/schedules/${id}/commands`, { verb: 'create' }],
  [`/v1/schedules/${id}/commands`, { verb: 'resume', reason: 'why' }],
  [`/v1/schedules/${id}/commands`, { verb: 'pause', event: 'x' }],
])('POST %s with %j is malformed', async (path, body) => {
  const before = gateway.standIns.commands.length;
  expect((await gateway.post(path, body)).status).toBe(400);
  expect(gateway.standIns.commands).toHaveLength(before);
});

test.each([
  ['illegal_transition', 409],
  ['invalid_schedule', 422],
  ['overloaded', 429],
])('what is refused as %s is answered with %i', async (code, status) => {
  answer = { ok: false, error: { code, message: 'no' } };
  const response = await gateway.post(`/v1/schedules/${id}/commands`, { verb: 'resume' });
  expect(response.status).toBe(status);
  expect(await problemOf(response)).toMatchObject({ code, detail: 'no' });
});
