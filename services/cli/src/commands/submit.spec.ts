import { createHash } from 'node:crypto';

import { accepted, CliUnderTest, ID } from '../cli-under-test';
import { send } from '../fake-gateway';

const cli = CliUnderTest.forEach();

describe('submit', () => {
  test('prints the ids, and sends the directive with its key', async () => {
    cli.gateway.on('POST /v1/directives', (_, response) => send(response, 202, accepted));
    const { code, stdout } = await cli.writ(
      'submit',
      cli.file(),
      '--json',
      '--key',
      'k',
      '--no-start',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ directiveId: ID, commandId: 'c', position: 3 });
    const [asked] = cli.gateway.asked;
    expect(asked?.headers['idempotency-key']).toBe('k');
    expect(JSON.parse(asked!.body)).toMatchObject({ directive: { title: 'T' }, start: false });
  });

  test('without --json the id alone is data', async () => {
    cli.gateway.on('POST /v1/directives', accepted);
    const { stdout, stderr } = await cli.writ('submit', cli.file());
    expect(stdout).toBe(`${ID}\n`);
    expect(stderr).toContain(`writ watch ${ID}`);
  });

  test('files that steps name are uploaded once, before the directive', async () => {
    const digest = `sha256:${createHash('sha256').update('hello').digest('hex')}`;
    cli.write('hello', 'a.mjs');
    cli.gateway.on('POST /v1/directives', accepted);
    cli.gateway.on(`PUT /v1/artifacts/${digest}`, { digest, bytes: 5 });
    const text =
      'title: T\ngoal: G\nchain: { steps: [{ name: a, adapter: { kind: echo }, inputs: [a.mjs] }] }\n';
    await cli.writ('submit', cli.write(text));
    expect(cli.gateway.asked.map(({ method }) => method)).toEqual(['HEAD', 'PUT', 'POST']);
    expect(cli.gateway.asked[1]?.body).toBe('hello');
    expect(JSON.parse(cli.gateway.asked[2]!.body)).toMatchObject({
      directive: { chain: { steps: [{ inputs: [{ name: 'a.mjs', digest }] }] } },
    });
    cli.gateway.on(`HEAD /v1/artifacts/${digest}`, {});
    await cli.writ('submit', cli.write(text));
    expect(cli.gateway.asked.slice(3).map(({ method }) => method)).toEqual(['HEAD', 'POST']);
  });

  test('what the planner finds wrong is told with its line', async () => {
    const issues = [{ code: 'cycle', message: 'they wait', path: '/chain/steps/0' }];
    cli.gateway.refuse('POST /v1/directives', 422, 'invalid_directive', 'no', { issues });
    const path = cli.file();
    const { code, stderr } = await cli.writ('submit', path);
    expect(code).toBe(2);
    expect(stderr).toContain(`${path}:5:7 cycle they wait`);
  });

  test('where there is no room it says so, comes again when it may, with the same key', async () => {
    const details = { retryAfterMs: 120 };
    const began = performance.now();
    cli.gateway.on('POST /v1/directives', (_, response) => {
      const isFirst = cli.gateway.asked.length === 1;
      if (isFirst) send(response, 429, { code: 'overloaded', detail: 'too much waits', details });
      else send(response, 202, accepted);
    });
    const { code, stdout, stderr } = await cli.writ('submit', cli.file());
    expect(code).toBe(0);
    expect(stdout).toBe(`${ID}\n`);
    expect(stderr).toContain('too much to do; waiting for room');
    const keys = cli.gateway.asked.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(performance.now() - began).toBeGreaterThan(115);
  });

  test('what is refused for longer than it waits ends with an error that says so', async () => {
    const details = { retryAfterMs: 3_600_000 };
    cli.gateway.refuse('POST /v1/directives', 429, 'overloaded', 'too much waits', details);
    const { code, stderr } = await cli.writ('submit', cli.file(), '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'overloaded', message: 'too much waits', details },
    });
  });

  test('a file with errors is told before any stack is asked', async () => {
    process.env['WRIT_URL'] = 'http://127.0.0.1:1';
    const { code, stderr } = await cli.writ('submit', cli.write('title: T\ngaol: G\n'), '--json');
    expect(code).toBe(2);
    const { error } = JSON.parse(stderr) as { error: { details: { issues: object[] } } };
    expect(error).toMatchObject({ code: 'invalid_directive' });
    expect(error.details.issues).toHaveLength(2);
  });
});

describe('commands on a directive', () => {
  test.each(['start', 'pause', 'resume', 'stop', 'archive'])(
    '%s is told, with its answer',
    async (verb) => {
      cli.gateway.on(`POST /v1/directives/${ID}/commands`, accepted);
      const { code, stdout } = await cli.writ(verb, ID, '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ directiveId: ID, commandId: 'c', position: 3 });
      expect(JSON.parse(cli.gateway.asked[0]!.body)).toEqual({ verb });
    },
  );

  test('a reason goes along', async () => {
    cli.gateway.on(`POST /v1/directives/${ID}/commands`, accepted);
    await cli.writ('stop', ID, '--reason', 'too dear');
    expect(JSON.parse(cli.gateway.asked[0]!.body)).toEqual({ verb: 'stop', reason: 'too dear' });
  });
});
