import { eventually } from '@writ/testing';

import { directive, problemOf, TestRequests } from '../test-requests';
import { Door, type Leave } from './door';
import { Problem } from './problem';

const gateway = TestRequests.ofOneGateway();
const overloaded = {
  ok: false as const,
  error: { code: 'overloaded', message: 'too much waits', details: { retryAfterMs: 1_400 } },
};

test('who was answered is no longer inside, whatever the answer was', async () => {
  gateway.standIns.decide = () => ({ ...overloaded, error: { code: 'stale', message: 'no' } });
  for (let round = 0; round < 21; round += 1) {
    const all = Array.from({ length: 50 }, () => gateway.post('/v1/directives', { directive }));
    for (const response of await Promise.all(all)) expect(response.status).toBe(409);
  }
});

test('whom the planner has no room for gets 429, and is told when to come again', async () => {
  const { standIns } = gateway;
  standIns.decide = () => overloaded;
  const response = await gateway.post('/v1/directives', { directive });
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(await problemOf(response)).toMatchObject({
    code: 'overloaded',
    status: 429,
    detail: 'too much waits',
    details: { retryAfterMs: 1_400 },
  });
  // A wave that comes in while the door is closed for a moment; how long that is, a busy machine decides.
  const wave = async () => {
    const asked = standIns.commands.length;
    const many = Array.from({ length: 50 }, () => gateway.post('/v1/directives', { directive }));
    for (const later of await Promise.all(many)) expect(later.status).toBe(429);
    return standIns.commands.length - asked;
  };
  await eventually(async () => (await wave()) < 50, { what: 'most of a wave to stay outside' });
});

test('other commands are asked of the planner while the door is closed', async () => {
  const { standIns } = gateway;
  standIns.decide = () => overloaded;
  await gateway.post('/v1/directives', { directive });
  standIns.decide = () => ({ ok: true, directiveId: 'a'.repeat(16), version: 2, position: 9 });
  const path = `/v1/directives/${'a'.repeat(16)}/commands`;
  expect((await gateway.post(path, { verb: 'stop' })).status).toBe(202);
});

const isOpen = (door: Door) => !(door.enter() instanceof Problem);

test('it opens by itself, and no later than the planner says', () => {
  let now = 0;
  const door = new Door(() => now);
  const closeFor = (retryAfterMs: number) =>
    door.close(new Problem('overloaded', 'no room', { retryAfterMs }));
  expect(isOpen(door)).toBe(true);
  closeFor(5_000);
  expect(door.enter()).toMatchObject({ message: 'no room' });
  now += 250;
  expect(isOpen(door)).toBe(true);
  closeFor(10);
  now += 10;
  expect(isOpen(door)).toBe(true);
});

test('nobody comes in behind one who has waited long', () => {
  let now = 0;
  const door = new Door(() => now);
  const leave = door.enter() as Leave;
  now += 1_500;
  const next = door.enter() as Leave;
  now += 501;
  expect(door.enter()).toMatchObject({ code: 'overloaded', details: { retryAfterMs: 1_000 } });
  leave();
  expect(isOpen(door)).toBe(true);
  now += 1_500;
  expect(isOpen(door)).toBe(false);
  next();
});

test('after a refusal fewer may ask at a time, until they are let in again', () => {
  let now = 0;
  const door = new Door(() => now);
  const most = () => {
    const leaves: Leave[] = [];
    for (let one = door.enter(); !(one instanceof Problem); one = door.enter()) leaves.push(one);
    for (const leave of leaves) leave();
    return leaves.length;
  };
  const refuse = () => {
    door.close(new Problem('overloaded', 'no room', { retryAfterMs: 1_000 }));
    door.close(new Problem('overloaded', 'no room', { retryAfterMs: 1_000 })); // came with it
    now += 250;
  };
  expect(most()).toBe(1_000);
  refuse();
  expect(most()).toBe(500);
  for (let at = 0; at < 10; at += 1) refuse();
  expect(most()).toBe(8);
  for (let at = 0; at < 10; at += 1) door.accepted();
  expect(most()).toBe(28);
  now += 5_001;
  expect(most()).toBe(1_000);
});

test('not more wait inside than memory is for', () => {
  const door = new Door(() => 0);
  const leave = door.enter() as Leave;
  for (let at = 1; at < 1_000; at += 1) expect(isOpen(door)).toBe(true);
  expect(isOpen(door)).toBe(false);
  leave();
  expect(isOpen(door)).toBe(true);
});
