import { spawn, type ChildProcess } from 'node:child_process';
import { eventually } from '@writ/testing';
import { identify, isAlive, type ProcessId } from './process-tree';
import { Warden } from './warden';

const children: ChildProcess[] = [];
const wardens: Warden[] = [];
const warnings: string[] = [];
const logger = { warn: (_: object, message: string) => void warnings.push(message) };

afterEach(async () => {
  for (const warden of wardens.splice(0)) await warden.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function warden(limitMs: number, beatMs?: number): Warden {
  const made = new Warden({ limitMs, beatMs, logger });
  wardens.push(made);
  made.start();
  return made;
}

/** A program in its own group, with a child of its own. */
async function program(): Promise<ProcessId> {
  const child = spawn('/bin/sh', ['-c', 'sleep 60 & sleep 60'], {
    detached: true,
    stdio: 'ignore',
  });
  children.push(child);
  const id = await eventually(() => identify(child.pid ?? 0) ?? false, { what: 'the program' });
  return id || { pid: 0, startedAt: '' };
}

const dead = (id: ProcessId) => eventually(() => !isAlive(id), { what: `the end of ${id.pid}` });

test('while heartbeats come nothing is touched', async () => {
  const it = warden(600, 50);
  const target = await program();
  await it.watch(target);
  const began = performance.now();
  await eventually(() => performance.now() - began > 1300, { what: 'more than the limit to pass' });
  expect(isAlive(target)).toBe(true);
  expect(it.mayHaveStruck(0)).toBe(false);
});

test('when heartbeats stay away every program is killed, and that can be known afterwards', async () => {
  const it = warden(500, 3_600_000);
  const began = performance.now();
  const target = await program();
  await it.watch(target);
  await dead(target);
  expect(performance.now() - began).toBeGreaterThan(400);
  expect(it.mayHaveStruck(began)).toBe(true);
});

test('when the pipe closes every program is killed at once', async () => {
  const it = warden(60_000);
  const target = await program();
  await it.watch(target);
  const began = performance.now();
  await it.close();
  await dead(target);
  expect(performance.now() - began).toBeLessThan(2000);
});

test('a process that was forgotten is left alone', async () => {
  const it = warden(60_000);
  const target = await program();
  await it.watch(target);
  it.forget(target);
  await it.close();
  expect(isAlive(target)).toBe(true);
});

test('a pid that belongs to somebody else by now is left alone', async () => {
  const it = warden(60_000);
  const target = await program();
  await it.watch({ ...target, startedAt: '1' });
  await it.close();
  expect(isAlive(target)).toBe(true);
});

test('a dead warden is replaced before the next program is made known, and told of all', async () => {
  const it = warden(60_000);
  const first = await program();
  await it.watch(first);
  const old = it.pid ?? 0;
  process.kill(old, 'SIGKILL');
  await eventually(() => identify(old) === undefined, { what: 'the end of the first warden' });
  await new Promise((resolve) => setImmediate(resolve));
  const second = await program();
  await it.watch(second);
  expect(it.pid).not.toBe(old);
  expect(warnings).toContain('the warden has died; a new one takes over');
  await it.close();
  await dead(first);
  await dead(second);
});
