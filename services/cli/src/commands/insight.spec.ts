import type { BacktestReport, DirectiveDiff } from '@writ/contracts';
import { CliUnderTest, directive, ID } from '../cli-under-test';

const cli = CliUnderTest.forEach();
const runId = `${ID}-g1-one-a1`;
const at = '2026-01-01T00:00:00.000000Z';

describe('why', () => {
  const why = {
    ...{ id: ID, state: 'paused' },
    because: [
      { kind: 'paused', text: 'it is \x1b[2Jpaused', since: at, unblock: `writ resume ${ID}` },
    ],
  };
  test('asks for a directive, or for what belongs to it by its id', async () => {
    cli.gateway.on(`GET /v1/directives/${ID}/why`, why);
    expect(JSON.parse((await cli.writ('why', ID, '--json')).stdout)).toEqual(why);
    await cli.writ('why', runId);
    expect(cli.gateway.asked.map(({ path }) => path)).toEqual([
      `/v1/directives/${ID}/why`,
      `/v1/directives/${ID}/why?of=${runId}`,
    ]);
  });

  test('names each cause with the command that unblocks it', async () => {
    cli.gateway.on(`GET /v1/directives/${ID}/why`, why);
    expect((await cli.writ('why', ID)).stdout.split('\n')).toEqual([
      ...[
        `‖ ${ID} paused`,
        '  it is paused  since 2026-01-01 00:00:00',
        `    writ resume ${ID}`,
        '',
      ],
    ]);
  });

  test('of what can be nothing asks nobody', async () => {
    expect(await cli.writ('why', '../x')).toMatchObject({ code: 3 });
    expect(cli.gateway.asked).toEqual([]);
  });
});

test('state and show --at give a directive as it was', async () => {
  cli.gateway.on(`GET /v1/directives/${ID}/state`, directive);
  expect(JSON.parse((await cli.writ('state', ID, '--at', '17', '--json')).stdout)).toEqual(
    directive,
  );
  await cli.writ('show', ID, '--at', '2026-01-01T00:00:00+01:00');
  expect(cli.gateway.asked.map(({ path }) => path)).toEqual([
    `/v1/directives/${ID}/state?at=17`,
    `/v1/directives/${ID}/state?at=2026-01-01T00%3A00%3A00%2B01%3A00`,
  ]);
  for (const moment of ['0', 'yesterday', '2026-13-01T00:00Z']) {
    expect((await cli.writ('state', ID, '--at', moment)).code).toBe(2);
  }
  expect((await cli.writ('state', ID)).code).toBe(2);
});

describe('diff', () => {
  const actor = { kind: 'person', id: 'alice' } as const;
  const event = { type: 'StepPassed', version: 5, position: 9, at, actor, commandId: 'c' };
  const side = { id: ID, title: 'T', status: 'completed', version: 1, position: 2 };
  const step = {
    ...{ status: 'passed', attempt: 1, runId, bundle: null, confidence: null, costUsd: 0 },
    artifacts: [],
  };
  const found: DirectiveDiff = {
    ...{ a: side, b: { ...side, status: 'failed' } },
    spec: [{ path: '/limits/maxReworkCycles', a: 1, b: 3 }],
    first: {
      step: 'one',
      alike: 2,
      differs: ['/run/artifacts'],
      a: { ...event, text: 'step passed: "one"' },
      b: null,
    },
    steps: [{ step: 'one', differs: ['status'], a: step, b: { ...step, status: 'failed' } }],
  };
  test('shows what was asked for, where they part, and the steps', async () => {
    cli.gateway.on('GET /v1/diff', found);
    const { stdout } = await cli.writ('diff', ID, `${ID}@12`);
    expect(cli.gateway.asked[0]?.path).toBe(`/v1/diff?a=${ID}&b=${ID}%4012`);
    expect(stdout).toContain('/limits/maxReworkCycles  1  3');
    expect(stdout).toContain('step one, after 2 events alike');
    expect(stdout).toContain('a  step passed: "one" (9, 2026-01-01 00:00:00, by alice)');
    expect(stdout).toContain('b  nothing more happened\n  in /run/artifacts');
    expect(stdout).toContain('one  status  passed / failed');
    expect(JSON.parse((await cli.writ('diff', ID, ID, '--json')).stdout)).toEqual(found);
  });

  test('says when nothing differs, and refuses what is no moment', async () => {
    cli.gateway.on('GET /v1/diff', { ...found, spec: [], first: null, steps: [] });
    expect((await cli.writ('diff', ID, ID)).stdout).toContain('nothing differs');
    expect((await cli.writ('diff', ID, `${ID}@now`)).code).toBe(2);
    expect((await cli.writ('diff', ID, 'none')).code).toBe(3);
  });
});

describe('backtest', () => {
  const report: BacktestReport = {
    ...{ policy: {}, since: null, decisions: 10, flips: 2, counts: { 'ask->pass': 2 } },
    ...{ againstDenial: 1, asIsApproved: 1 },
    steps: [
      {
        ...{ directiveId: ID, step: 'one', runId, at, position: 7 },
        then: { outcome: 'ask', confidence: { score: 0.7, level: 'yellow' } },
        now: { outcome: 'pass', confidence: { score: 0.7, level: 'green' } },
        said: { decision: 'deny', by: ['alice'], reason: 'no' },
      },
    ],
  };
  test('sends the policy as the file has it', async () => {
    cli.gateway.on('POST /v1/backtest', report);
    const file = cli.write('thresholds: { green: 0.7 }\nchecks:\n  - { kind: files, weight: 2 }\n');
    const { stdout } = await cli.writ(
      ...['backtest', '--policy', file, '--since', '2026-01-01T00:00Z', '--limit', '5', '--json'],
    );
    expect(JSON.parse(stdout)).toEqual(report);
    expect(JSON.parse(cli.gateway.asked[0]?.body ?? '')).toEqual({
      policy: { thresholds: { green: 0.7 }, checks: [{ kind: 'files', weight: 2 }] },
      ...{ since: '2026-01-01T00:00Z', limit: 5 },
    });
    await cli.writ('backtest', '--policy', file, '--since', '90d');
    const { since } = JSON.parse(cli.gateway.asked[1]?.body ?? '') as { since: string };
    expect(Math.abs(Date.now() - Date.parse(since) - 90 * 86_400_000)).toBeLessThan(60_000);
  });

  test('shows each that would come out otherwise, and what was said', async () => {
    cli.gateway.on('POST /v1/backtest', report);
    const { stdout } = await cli.writ('backtest', '--policy', cli.write('{}'));
    expect(stdout).toContain('2 of 10 decisions would come out otherwise');
    expect(stdout).toContain('ask -> pass  2');
    expect(stdout).toContain('people had said no to 1 that would pass, and yes to 1');
    expect(stdout).toContain(`${runId}  ask (yellow 0.7) -> pass (green 0.7)  alice: deny: no`);
    expect(stdout).toContain('and 1 more');
    cli.gateway.on('POST /v1/backtest', { ...report, flips: 0 });
    const none = await cli.writ('backtest', '--policy', cli.write('{}'));
    expect(none.stdout).toContain('none would come out otherwise');
  });

  test.each([
    ['treshold: 1', '1:1', 'did you mean "thresholds"'],
    ['thresholds:\n  gren: 1', '2:3', 'green'],
    ['autonomy: full', '1:1', 'autonomy'],
    ['checks: [{ weight: 1 }]', '1:1', 'kind'],
    ['gate: { manual: { red: go } }', '1:1', 'red'],
    ['a: [', '1:', ''],
  ])('a policy %j is refused with its place', async (text, place, words) => {
    const { code, stderr } = await cli.writ('backtest', '--policy', cli.write(text));
    expect(code).toBe(2);
    expect(stderr).toContain(words);
    expect(stderr).toMatch(new RegExp(`directive.yaml:${place.slice(0, 2)}`));
    expect(cli.gateway.asked).toEqual([]);
  });

  test('without a policy there is nothing to compare with', async () => {
    expect((await cli.writ('backtest')).code).toBe(2);
    expect((await cli.writ('backtest', '--policy', 'nowhere.yaml')).code).toBe(3);
  });
});
