import { spawn, type ChildProcess } from 'node:child_process';
import { eventually } from '@writ/testing';
import { identify, isAlive, killGroupOf, type ProcessId } from './process-tree';
import { Warden } from './warden';

// Processes start and end slowly where many want the machine: what is awaited here may take its time.
const patienceMs = 60_000;
jest.setTimeout(3 * patienceMs);

const children: ChildProcess[] = [];
const wardens: Warden[] = [];
const warnings: string[] = [];
const logger = { warn: (_: object, message: string) => void warnings.push(message) };

afterEach(async () => {
  warnings.length = 0;
  for (const warden of wardens.splice(0)) await warden.close();
  for (const { pid } of children.splice(0)) if (pid !== undefined) killGroupOf({ pid });
});

function warden(limitMs: number, beatMs?: number, idleMs?: number): Warden {
  const made = new Warden({ limitMs, beatMs, idleMs, logger });
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
  const id = await eventually(() => identify(child.pid ?? 0) ?? false, {
    what: 'the program',
    timeoutMs: patienceMs,
  });
  return id || { pid: 0, startedAt: '' };
}

async function passed(ms: number): Promise<void> {
  const began = performance.now();
  const timeoutMs = ms + patienceMs;
  await eventually(() => performance.now() - began > ms, { what: `${ms} ms to pass`, timeoutMs });
}

const dead = (id: ProcessId) =>
  eventually(() => !isAlive(id), { what: `the end of ${id.pid}`, timeoutMs: patienceMs });

test('while heartbeats come nothing is touched', async () => {
  // When this process itself stands still for so long, which a warden is there for, try again.
  for (let attempt = 1; ; attempt += 1) {
    const it = warden(1000, 50);
    const target = await program();
    await it.watch(target);
    await passed(1800);
    if (it.mayHaveStruck(0) && attempt < 10) continue;
    expect(isAlive(target)).toBe(true);
    expect(it.mayHaveStruck(0)).toBe(false);
    return;
  }
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

test('when heartbeats say that nothing is left every program is killed, long before the limit', async () => {
  const it = warden(3_600_000, 50);
  const began = performance.now();
  const target = await program();
  await it.watch(target);
  it.limitBy(() => 0);
  await dead(target);
  expect(it.mayHaveStruck(began)).toBe(true);
});

test('when the pipe closes every program is killed at once, long before the limit', async () => {
  const it = warden(3_600_000);
  const target = await program();
  await it.watch(target);
  await it.close();
  await dead(target);
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
  await eventually(() => identify(old) === undefined, {
    what: 'the end of the first warden',
    timeoutMs: patienceMs,
  });
  await new Promise((resolve) => setImmediate(resolve));
  const second = await program();
  await it.watch(second);
  expect(it.pid).not.toBe(old);
  expect(warnings).toContain('the warden has died; a new one takes over');
  await it.close();
  await dead(first);
  await dead(second);
});

test('there is none before the first program, and none some time after the last', async () => {
  const it = warden(60_000, 20, 200);
  expect(it.pid).toBeUndefined();
  for (const _ of ['first', 'second']) {
    const target = await program();
    await it.watch(target);
    const { pid = 0 } = it;
    await passed(300);
    expect([it.pid, identify(pid) !== undefined]).toEqual([pid, true]);
    it.forget(target);
    await eventually(() => it.pid === undefined && identify(pid) === undefined, {
      what: 'the warden to be let go',
      timeoutMs: patienceMs,
    });
    expect(isAlive(target)).toBe(true);
  }
  expect(warnings).toEqual([]);
});
