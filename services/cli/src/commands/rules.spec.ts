import { CliUnderTest } from '../cli-under-test';

const cli = CliUnderTest.forEach();

const accepted = { name: 'small-fixes', commandId: 'c', position: 3, version: 1 };
const rule = {
  ...{ name: 'small-fixes', status: 'shadow', verdict: 'approve', promoteAfter: 20 },
  when: { adapters: ['shell', 'program'], minScore: 0.9, titleIncludes: 'fix\u001b[31m' },
  ...{ createdAt: '2026-01-01T00:00:00Z', createdBy: 'ada', judged: 5, agreed: 4, agreements: 2 },
  ...{ decided: 1, promoted: null, version: 7, position: 9 },
  revoked: { by: null, reason: 'bob decided deny', at: '2026-01-02T00:00:00Z' },
  judgements: [
    {
      ...{ approvalId: 'a-review', digest: 'd', ruleVerdict: 'approve', humanVerdict: 'deny' },
      ...{ by: ['bob'], agrees: false, position: 4, at: '2026-01-02T00:00:00Z' },
    },
  ],
  decisions: [
    { approvalId: 'b-review', digest: 'd', decision: 'approve', position: 5, at: '2026-01-01' },
  ],
};
const sent = () => JSON.parse(cli.gateway.asked.at(-1)!.body) as object;

describe('policy rules add', () => {
  const file = () => 'name: small-fixes\nwhen: { levels: [green] }\nverdict: approve\n';

  test('sends the rule, with who makes it', async () => {
    cli.gateway.on('POST /v1/rules', accepted);
    const path = cli.write(file());
    const who = ['--as', 'ada', '--key', 'k'];
    const { code, stdout } = await cli.writ('policy', 'rules', 'add', path, ...who);
    expect([code, stdout]).toEqual([0, 'small-fixes\n']);
    const when = { levels: ['green'] };
    expect(sent()).toEqual({ name: 'small-fixes', when, verdict: 'approve', promoteAfter: 20 });
    expect(cli.gateway.asked[0]?.headers).toMatchObject({
      'writ-person': 'ada',
      'idempotency-key': 'k',
    });
    const { stdout: json } = await cli.writ('policy', 'rules', 'add', path, '--json');
    expect(JSON.parse(json)).toEqual({ name: 'small-fixes', commandId: 'c', position: 3 });
  });

  test.each([
    ['name: Small\nwhen: {}\nverdict: approve\n', ':1:1'],
    ['name: small\nwhen: { level: [green] }\nverdict: approve\n', ':2:'],
    ['name: small\nwhen: {}\nverdict: rework\n', ':3:'],
    ['name: [', ':1:'],
  ])('a slip in %j is told with its place, before any stack is asked', async (text, place) => {
    const path = cli.write(text);
    const { code, stderr } = await cli.writ('policy', 'rules', 'add', path);
    expect([code, stderr]).toEqual([2, expect.stringContaining(path + place)]);
    expect(cli.gateway.asked).toEqual([]);
  });
});

test('rules are listed, with what is missing for a promotion', async () => {
  cli.gateway.on('GET /v1/rules', [rule]);
  const { stdout } = await cli.writ('policy', 'rules', 'list', '--status', 'shadow');
  expect(stdout).toContain('small-fixes  approve  4 of 5 agree, 18 missing  1 decided');
  expect(cli.gateway.asked[0]?.path).toBe('/v1/rules?status=shadow');
  cli.gateway.on('GET /v1/rules', []);
  expect((await cli.writ('policy', 'rules')).stderr).toContain('writ policy rules add');
});

test('one is shown with its judgements and everything that it has decided', async () => {
  cli.gateway.on('GET /v1/rules/small-fixes', rule);
  const { stdout } = await cli.writ('policy', 'rules', 'show', 'small-fixes');
  expect(stdout).toContain('small-fixes is in shadow');
  expect(stdout).toContain('adapter shell or program, score from 0.9, title with "fix');
  expect(stdout).toContain('disagrees  a-review  bob: deny');
  expect(stdout).toContain('by a judgement that disagrees');
  expect(stdout).toContain('approve  b-review');
  expect(stdout).not.toContain('\u001b');
  const { stdout: json } = await cli.writ('policy', 'rules', 'show', 'small-fixes', '--json');
  expect(JSON.parse(json)).toEqual(rule);
  expect((await cli.writ('policy', 'rules', 'show', '../x')).code).toBe(3);
});

test('one is promoted and revoked, by whom it is said', async () => {
  cli.gateway.on('POST /v1/rules/small-fixes/commands', accepted);
  await cli.writ('policy', 'rules', 'promote', 'small-fixes', '--as', 'bob');
  expect(sent()).toEqual({ verb: 'promote' });
  expect(cli.gateway.asked[0]?.headers['writ-person']).toBe('bob');
  await cli.writ('policy', 'rules', 'revoke', 'small-fixes', '--reason', 'why');
  expect(sent()).toEqual({ verb: 'revoke', reason: 'why' });
});

test('a promotion that is not earned ends with 5 and says what is missing', async () => {
  const path = 'POST /v1/rules/small-fixes/commands';
  cli.gateway.refuse(path, 409, 'illegal_transition', '18 missing', {});
  const { code, stderr } = await cli.writ('policy', 'rules', 'promote', 'small-fixes');
  expect([code, stderr]).toEqual([5, expect.stringContaining('18 missing')]);
});
