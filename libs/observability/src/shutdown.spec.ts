import { EventEmitter } from 'node:events';
import { createLogger } from './logger';
import { installShutdown, type StopStep } from './shutdown';

function start(steps: StopStep[], deadlineMs?: number) {
  const lines: { level: string; message: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logger = createLogger({ service: 'planner', instance: 'p', destination });
  const signals = new EventEmitter();
  let ended: (code: number) => void = () => undefined;
  const exit = new Promise<number>((resolve) => (ended = resolve));
  const target = Object.assign(signals, { exit: (code: number) => ended(code) });
  const shutdown = installShutdown({ logger, steps, deadlineMs, target });
  return { shutdown, signals, exit, lines };
}
const never = () => new Promise(() => undefined);

test('a signal runs the steps in order and the process ends with 0', async () => {
  const done: string[] = [];
  const { shutdown, signals, exit } = start([
    { name: 'stop taking', limitMs: 1000, run: async () => done.push('taking') },
    { name: 'close', limitMs: 1000, run: () => done.push('close') },
  ]);
  signals.emit('SIGTERM');
  expect(shutdown.stopping).toBe(true);
  expect(await exit).toBe(0);
  expect(done).toEqual(['taking', 'close']);
});

test('a step that fails or takes too long does not keep the next from running', async () => {
  const done: string[] = [];
  const { signals, exit, lines } = start([
    { name: 'drain', limitMs: 5, run: never },
    { name: 'close', limitMs: 1000, run: () => Promise.reject(new Error('gone')) },
    { name: 'say so', limitMs: 1000, run: () => done.push('said') },
  ]);
  signals.emit('SIGINT');
  expect(await exit).toBe(1);
  expect(done).toEqual(['said']);
  expect(lines.filter((line) => line.level === 'error').map((line) => line.message)).toEqual([
    'stopping went wrong at "drain"',
    'stopping went wrong at "close"',
  ]);
});

test('after the deadline the process ends whatever is still running', async () => {
  const { signals, exit, lines } = start([{ name: 'drain', limitMs: 300, run: never }], 10);
  signals.emit('SIGTERM');
  expect(await exit).toBe(1);
  expect(lines.at(-1)).toMatchObject({ level: 'fatal', message: 'not stopped within 10 ms' });
});

test('a second signal ends it at once', async () => {
  const { signals, exit, lines } = start([{ name: 'drain', limitMs: 100, run: never }]);
  signals.emit('SIGTERM');
  signals.emit('SIGTERM');
  expect(await exit).toBe(1);
  expect(lines.at(-1)).toMatchObject({ level: 'fatal', message: 'SIGTERM again while stopping' });
});

test.each(['uncaughtException', 'unhandledRejection'])(
  '%s ends it with a fatal line',
  async (event) => {
    const { signals, exit, lines } = start([]);
    signals.emit(event, new Error('unforeseen'));
    expect(await exit).toBe(1);
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', err: { message: 'unforeseen' } });
  },
);
