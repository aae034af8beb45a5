import { eventually } from '@writ/testing';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LogFile } from './log-file';
import { type Running, Supervised } from './supervised';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-supervised-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Fake extends Running {
  end(how: string): void;
}

function fake(pid: number): Fake {
  let end: (how: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => (end = resolve));
  return { pid, ended, end };
}

function supervise(start?: (count: number) => Promise<Fake>) {
  const started: Fake[] = [];
  const told: string[] = [];
  let count = 0;
  const supervised = new Supervised<Fake>({
    name: 'planner',
    log: new LogFile(join(folder, 'planner.log')),
    start: () => {
      count += 1;
      return start ? start(count) : Promise.resolve(fake(count));
    },
    started: (running) => started.push(running),
    tell: (text) => told.push(text),
  });
  return { supervised, started, told };
}

const stop = (supervised: Supervised<Fake>) =>
  supervised.stop(async (running) => running.end('was stopped'));

test('a process that dies is started again, with growing delays, and it is told', async () => {
  const { supervised, started, told } = supervise();
  await supervised.start();
  started[0]!.end('was ended by SIGKILL');
  await eventually(() => started.length === 2, { what: 'the second start' });
  started[1]!.end('ended with exit code 1');
  await eventually(() => started.length === 3, { what: 'the third start' });
  expect(told).toEqual([
    'planner was ended by SIGKILL; started again in 100 ms',
    'planner ended with exit code 1; started again in 200 ms',
  ]);
  expect(readFileSync(join(folder, 'planner.log'), 'utf8')).toContain('[supervisor] planner was');
  await stop(supervised);
});

test('a stopped one is not started again', async () => {
  const { supervised, started } = supervise();
  await supervised.start();
  await stop(supervised);
  expect(started).toHaveLength(1);
});

test('a stop during the delay before a start starts nothing', async () => {
  const { supervised, started, told } = supervise();
  await supervised.start();
  started[0]!.end('died');
  await eventually(() => told.length === 1, { what: 'the delay to begin' });
  await stop(supervised);
  expect(started).toHaveLength(1);
});

test('a stop while it is being started again ends what was started', async () => {
  const late = fake(2);
  let release: (() => void) | undefined;
  const { supervised, started } = supervise((count) =>
    count === 1
      ? Promise.resolve(fake(1))
      : new Promise((resolve) => (release = () => resolve(late))),
  );
  await supervised.start();
  started[0]!.end('died');
  await eventually(() => release !== undefined, { what: 'the second start to begin' });
  const stopping = stop(supervised);
  release!();
  await stopping;
  expect(await late.ended).toBe('was stopped');
});

test('a start that fails is tried again', async () => {
  const { supervised, started } = supervise((count) =>
    count === 2 ? Promise.reject(new Error('no port')) : Promise.resolve(fake(count)),
  );
  await supervised.start();
  started[0]!.end('died');
  await eventually(() => started.length === 2, { what: 'the start after the failure' });
  await stop(supervised);
});

test('the first start fails loudly', async () => {
  const { supervised } = supervise(() => Promise.reject(new Error('not built')));
  await expect(supervised.start()).rejects.toThrow('not built');
});
