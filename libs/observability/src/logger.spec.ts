import { createLogger, nestLogger } from './logger';

function collect(level?: 'debug') {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ service: 'planner', instance: 'planner-1', level, destination });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '') };
}

test('a line is JSON that says when, who and what', () => {
  const { logger, last } = collect();
  logger.child({ directiveId: 'abcdefgh' }).info({ step: 'build' }, 'step started');
  expect(last()).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    service: 'planner',
    instance: 'planner-1',
    directiveId: 'abcdefgh',
    step: 'build',
    message: 'step started',
  });
});

test('known secret fields and the passwords in addresses do not get into a line', () => {
  const { logger, lines } = collect();
  logger.info({ token: 'hush', config: { NATS_TOKEN: 'hush', nested: { password: 'hush' } } });
  logger.error(
    { err: new Error('cannot reach postgres://writ:hush@db:5432/writ') },
    'nats://:hush@bus:4222 is away',
  );
  logger.error('nats://hush@bus:4222 is away');
  expect(lines.join('')).not.toContain('hush');
  expect(lines[1]).toContain('postgres://[redacted]@db:5432/writ');
});

test('a line costs what it is long, whatever it looks like', () => {
  const { logger, lines } = collect();
  const began = performance.now();
  logger.info(`x://${':'.repeat(200_000)}`);
  expect(lines).toHaveLength(1);
  expect(performance.now() - began).toBeLessThan(2_000);
});

test('an address without a password stays as it is', () => {
  const { logger, last } = collect();
  logger.info('listening on http://127.0.0.1:80/ as a@b and http://[::1]:80/x@y');
  expect(last().message).toBe('listening on http://127.0.0.1:80/ as a@b and http://[::1]:80/x@y');
});

test('below its level nothing is written', () => {
  const { logger, lines } = collect();
  logger.debug('chatter');
  expect(lines).toEqual([]);
});

test('messages of Nest become lines with their context', () => {
  const { logger, last } = collect('debug');
  const nest = nestLogger(logger);
  nest.log('Nest application started', 'NestApplication');
  expect(last()).toMatchObject({ level: 'debug', context: 'NestApplication' });
  nest.error('it broke', 'Error: it broke\n at x', 'ExceptionsHandler');
  expect(last()).toMatchObject({
    level: 'error',
    message: 'it broke',
    stack: 'Error: it broke\n at x',
    context: 'ExceptionsHandler',
  });
  nest.warn(new Error('odd'));
  expect(last()).toMatchObject({ level: 'warn', message: 'odd', err: { type: 'Error' } });
});
