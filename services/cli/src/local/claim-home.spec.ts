import { identityOf, isSameProcessAlive } from '@writ/embedded-servers';
import { eventually } from '@writ/testing';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { claimHome, readNote } from './claim-home';
import { LogFile } from './log-file';
import { Ports } from './choose-port';
import { endProcess } from './end-process';
import { loadSecrets } from './secrets';
import { makeFolders, stackHome, type StackHome } from './stack-home';

let home: StackHome;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = stackHome(mkdtempSync(join(tmpdir(), 'writ-home-')));
  makeFolders(home);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(home.path, { recursive: true });
});

/** A process that says when it is there; a stubborn one hears no SIGTERM. */
async function child(stubborn = false) {
  const deaf = stubborn ? `process.on('SIGTERM', () => {});` : '';
  const script = `${deaf} setInterval(() => {}, 1000); console.log('here')`;
  const started = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(started);
  await new Promise((resolve) => started.stdout!.once('data', resolve));
  return identityOf(started.pid!)!;
}

const silent = () => undefined;

test('the second stack in a folder is refused with the process of the first', async () => {
  const other = await child();
  writeFileSync(home.supervisorFile, JSON.stringify({ supervisor: other, processes: {} }));
  await expect(claimHome(home, silent)).rejects.toMatchObject({
    code: 'already_running',
    message: expect.stringContaining(String(other.pid)) as string,
  });
});

test('a released folder can be claimed again', async () => {
  (await claimHome(home, silent)).release();
  const claim = await claimHome(home, silent);
  expect(readNote(home)?.supervisor.pid).toBe(process.pid);
  claim.release();
  expect(existsSync(home.supervisorFile)).toBe(false);
});

test('what a killed supervisor left behind is ended, and nothing else', async () => {
  const left = await child();
  const stranger = await child();
  const dead = { pid: 2 ** 22, started: '1' };
  // The number of another process of today: the supervisor's note is from before.
  const processes = { planner: left, gateway: { ...stranger, started: 'another time' } };
  writeFileSync(home.supervisorFile, JSON.stringify({ supervisor: dead, processes }));
  writeFileSync(home.stackFile, '{}');
  const told: string[] = [];
  const claim = await claimHome(home, (text) => told.push(text));
  expect([isSameProcessAlive(left), isSameProcessAlive(stranger)]).toEqual([false, true]);
  expect(told).toEqual(['ending what an earlier stack left: planner']);
  expect(existsSync(home.stackFile)).toBe(false);
  claim.release();
});

test('processes are noted as they come', async () => {
  const claim = await claimHome(home, silent);
  const one = await child();
  claim.note('planner', one.pid);
  expect(readNote(home)?.processes).toEqual({ planner: one });
  claim.release();
});

test('a process that hears no SIGTERM is ended by force', async () => {
  const stubborn = await child(true);
  const ended = await endProcess(stubborn, [
    { signal: 'SIGTERM', waitMs: 100 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
  expect(ended).toBe(true);
});

test('secrets are made once and are for their owner alone', () => {
  const first = loadSecrets(home);
  expect(loadSecrets(home)).toEqual(first);
  expect(Object.keys(first.passwords)).toEqual(['planner', 'executor', 'verifier', 'manifest']);
  expect(statSync(home.secretsFile).mode & 0o777).toBe(0o600);
});

test('a port is kept; one that was taken meanwhile is chosen anew; a named one must be free', async () => {
  const port = await new Ports(home).of('gateway');
  expect(await new Ports(home).of('gateway')).toBe(port);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  expect(await new Ports(home).of('gateway')).not.toBe(port);
  await expect(new Ports(home).of('gateway', port)).rejects.toMatchObject({
    code: 'port_taken',
    message: expect.stringContaining(String(port)) as string,
  });
  await new Promise((resolve) => server.close(resolve));
});

test('a log is turned over at its size, and its last lines are at hand', () => {
  const path = home.logOf('x');
  writeFileSync(path, 'x'.repeat(10 * 1024 * 1024 + 1));
  const log = new LogFile(path);
  for (let at = 0; at < 30; at += 1) log.line(`line ${at}`);
  expect(readFileSync(path, 'utf8').split('\n')[0]).toBe('line 0');
  expect(statSync(`${path}.1`).size).toBeGreaterThan(10 * 1024 * 1024);
  expect(log.lastLines.split('\n')).toHaveLength(20);
});

test('an identity tells a living process from a dead one', async () => {
  const one = await child();
  expect(isSameProcessAlive(one)).toBe(true);
  process.kill(one.pid, 'SIGKILL');
  await eventually(() => !isSameProcessAlive(one), { what: 'it to be gone' });
});
