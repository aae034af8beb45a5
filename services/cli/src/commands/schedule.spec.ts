import { CliUnderTest, ID } from '../cli-under-test';

const cli = CliUnderTest.forEach();

const accepted = { scheduleId: ID, commandId: 'c', position: 3, version: 1, next: [] };
const cron = { kind: 'cron', cron: '0 6 * * *', timezone: 'Europe/Berlin' };
const schedule = {
  ...{ id: ID, name: 'nightly', status: 'active', reason: null, trigger: cron, overlap: 'skip' },
  ...{ catchUp: 'last', createdAt: '2026-01-01T00:00:00Z', createdBy: 'local', fired: 1 },
  ...{ skipped: 1, lastFired: null, version: 3, position: 9, directive: {}, waiting: null },
  next: ['2026-03-28T05:00:00.000Z', '2026-03-29T04:00:00.000Z'],
  listening: null,
  firings: [{ by: 'cron', scheduledFor: '2026-01-01T05:00:00.000Z', directiveId: ID, at: '' }],
  lastSkipped: {
    ...{ by: 'cron', scheduledFor: '2026-01-02T05:00:00.000Z', reason: 'overlap' },
    ...{ message: 'not yet \u001b[31m', at: '' },
  },
};
const sent = () => JSON.parse(cli.gateway.asked.at(-1)!.body) as object;

describe('schedule create', () => {
  test('sends the whole directive, with its variables, and when', async () => {
    cli.gateway.on('POST /v1/schedules', { ...accepted, next: schedule.next });
    const when = ['--cron', '0 6 * * *', '--timezone', 'Europe/Berlin', '--catch-up', 'none'];
    const { code, stdout, stderr } = await cli.writ('schedule', 'create', cli.file(), ...when);
    expect([code, stdout]).toEqual([0, `${ID}\n`]);
    expect(stderr).toContain('2026-03-28 06:00:00 Europe/Berlin');
    expect(stderr).toContain('2026-03-29 06:00:00 Europe/Berlin');
    expect(sent()).toMatchObject({ trigger: cron, catchUp: 'none', directive: { title: 'T' } });
  });

  test('by a subject, with places of the message', async () => {
    cli.gateway.on('POST /v1/schedules', accepted);
    const when = ['--subject', 'orders.>', '--from', 'a=/x', '--from', 'b=/y=z', '--key', 'k'];
    const { stdout } = await cli.writ('schedule', 'create', cli.file(), ...when, '--json');
    expect(JSON.parse(stdout)).toEqual({ scheduleId: ID, commandId: 'c', position: 3, next: [] });
    const variablesFrom = { a: '/x', b: '/y=z' };
    expect(sent()).toMatchObject({
      trigger: { kind: 'subject', subject: 'orders.>', variablesFrom },
    });
    expect(cli.gateway.asked[0]?.headers['idempotency-key']).toBe('k');
  });

  test.each([
    [[]],
    [['--cron', '@daily', '--subject', 'a']],
    [['--cron', '@daily', '--from', 'a=/x']],
    [['--subject', 'a', '--from', 'a']],
  ])('%j is wrong usage, told before any stack is asked', async (options) => {
    expect((await cli.writ('schedule', 'create', cli.file(), ...options)).code).toBe(2);
    expect(cli.gateway.asked).toEqual([]);
  });

  test('what the planner finds wrong with the directive is told with its line', async () => {
    const issues = [{ code: 'cycle', message: 'they wait', path: '/chain/steps/0' }];
    cli.gateway.refuse('POST /v1/schedules', 422, 'invalid_directive', 'no', { issues });
    const path = cli.file();
    const { code, stderr } = await cli.writ('schedule', 'create', path, '--cron', '@daily');
    expect(code).toBe(2);
    expect(stderr).toContain(`${path}:5:7 cycle they wait`);
  });
});

test('schedules are listed, with when they fire', async () => {
  cli.gateway.on('GET /v1/schedules', [schedule]);
  const { stdout } = await cli.writ('schedule', 'list', '--status', 'active');
  expect(stdout).toContain(`${ID}  0 6 * * * (Europe/Berlin)  1 fired  nightly`);
  expect(cli.gateway.asked[0]?.path).toBe('/v1/schedules?status=active');
  cli.gateway.on('GET /v1/schedules', []);
  expect((await cli.writ('schedule')).stderr).toContain('writ schedule create');
});

test('one is shown with its next times on the clocks there, and what came of it', async () => {
  cli.gateway.on(`GET /v1/schedules/${ID}`, schedule);
  const { stdout } = await cli.writ('schedule', 'show', ID);
  expect(stdout).toContain('next        2026-03-28 06:00:00 Europe/Berlin');
  expect(stdout).toContain(`2026-01-01T05:00:00.000Z  by cron  ${ID}`);
  expect(stdout).toContain('    not yet\n');
  expect(stdout).not.toContain('\u001b');
  expect((await cli.writ('schedule', 'show', '../x')).code).toBe(3);
});

test.each([
  ['pause', ['--reason', 'why'], { reason: 'why' }],
  ['resume', [], {}],
  ['remove', [], {}],
])('%s is told, with its answer', async (verb, options, more) => {
  cli.gateway.on(`POST /v1/schedules/${ID}/commands`, accepted);
  const { code, stdout } = await cli.writ('schedule', verb, ID, ...options, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ scheduleId: ID, commandId: 'c', position: 3, next: [] });
  expect(sent()).toEqual({ verb, ...more });
});

test('fire prints the directive that it made', async () => {
  cli.gateway.on(`POST /v1/schedules/${ID}/commands`, { ...accepted, directiveId: 'd'.repeat(16) });
  const { stdout } = await cli.writ('schedule', 'fire', ID, '--event', '{}');
  expect(stdout).toBe(`${'d'.repeat(16)}\n`);
  expect(sent()).toEqual({ verb: 'fire', event: '{}' });
});

test('what its state does not allow ends with 5', async () => {
  cli.gateway.refuse(`POST /v1/schedules/${ID}/commands`, 409, 'illegal_transition', 'no');
  expect((await cli.writ('schedule', 'resume', ID)).code).toBe(5);
});
