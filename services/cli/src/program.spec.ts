import type { ServerResponse } from 'node:http';

import { accepted, CliUnderTest, directive, ID } from './cli-under-test';
import { send } from './fake-gateway';
import { makeProgram } from './program';

const cli = CliUnderTest.forEach();

describe('wrong usage', () => {
  test.each([
    [['shwo', ID], 'did you mean show'],
    [['show'], "missing required argument 'id'"],
    [['show', ID, 'more'], 'too many arguments'],
    [['list', '--limti', '3'], 'did you mean --limit'],
    [['list', '--limit', '0'], 'whole number'],
    [['events', '--after', '-1'], 'position'],
    [['show', ID, '--timeout', 'soon'], 'seconds'],
    [['up', '--only', 'planer'], 'did you mean "planner"'],
    [['up', '--only', ' , '], 'name services'],
    [['up', '--port', '70000'], 'port'],
    [['submit', 'x.yaml', '--var', 'nothing'], 'name=value'],
    [['log'], 'verify'],
    [['completion', 'tcsh'], 'bash, zsh and fish'],
    [[], 'Usage'],
  ])('%j ends with 2 and says what was meant', async (argv, words) => {
    const { code, stderr, stdout } = await cli.writ(...argv);
    expect(code).toBe(2);
    expect(stderr.toLowerCase()).toContain(words.toLowerCase());
    expect(stdout).toBe('');
  });

  test('with --json is one line of JSON', async () => {
    const { code, stderr } = await cli.writ('shwo', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'usage' } });
  });

  test('--help and --version end with 0 on stdout', async () => {
    expect(await cli.writ('--help')).toMatchObject({ code: 0, stderr: '' });
    expect((await cli.writ('show', '--help')).stdout).toContain('Usage: writ show');
    expect((await cli.writ('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('every command can give JSON', () => {
    const flags = (command: ReturnType<typeof makeProgram>): string[] =>
      command.commands.length === 0
        ? [command.options.some(({ long }) => long === '--json') ? '' : command.name()]
        : command.commands.flatMap((it) => flags(it as ReturnType<typeof makeProgram>));
    expect(flags(makeProgram()).filter(Boolean)).toEqual(['completion']);
  });
});

describe('errors of the gateway', () => {
  test.each([
    [404, 'not_found', 3],
    [403, 'forbidden', 4],
    [409, 'illegal_transition', 5],
    [409, 'stale', 5],
    [422, 'command_reused', 5],
    [422, 'not_available', 2],
    [413, 'too_large', 2],
    [500, 'internal', 1],
    [400, 'malformed', 2],
  ])('%i %s ends with %i', async (status, code, exit) => {
    cli.gateway.refuse(`GET /v1/directives/${ID}`, status, code, 'that is why', { x: 1 });
    const { code: ended, stderr, stdout } = await cli.writ('show', ID, '--json');
    expect(ended).toBe(exit);
    expect(stdout).toBe('');
    const { error } = JSON.parse(stderr) as { error: { message: string } };
    expect(error).toMatchObject({ code });
    expect(error.message).toContain('that is why');
  });

  test.each([
    ['show', ''],
    ['show', 'none'],
    ['watch', '..'],
    ['pause', 'a/b'],
    ['events', '--directive', 'none'],
    ['logs', 'none'],
    ['run-info', '..'],
    ['manifest', 'show', 'a-b'],
    ['dlq', 'show', '.'],
  ])('%s %s is not found, and nothing else is asked', async (...argv) => {
    const { code, stderr } = await cli.writ(...argv, '--json');
    expect([code, JSON.parse(stderr)]).toMatchObject([3, { error: { code: 'not_found' } }]);
    expect(cli.gateway.asked).toEqual([]);
  });

  test('an issue that the message says already is not said twice', async () => {
    const issues = [{ code: 'out_of_range', message: 'too much', path: '/limit' }];
    cli.gateway.refuse('GET /v1/directives', 400, 'malformed', 'too much', { issues });
    expect((await cli.writ('list')).stderr).toBe('writ: too much\n');
  });

  test('what was not found is named', async () => {
    expect((await cli.writ('show', ID)).stderr).toContain(ID);
    expect((await cli.writ('run-info', `${ID}-g1-one-a1`)).stderr).toContain(`${ID}-g1-one-a1`);
  });

  test('an answer that takes too long ends with 7', async () => {
    let late: ServerResponse | undefined;
    cli.gateway.on(`GET /v1/directives/${ID}`, (_, response) => (late = response));
    const exited = new Promise<number>((resolve) => {
      jest.spyOn(process, 'exit').mockImplementation(((code: number) => resolve(code)) as never);
    });
    const asking = cli.writ('show', ID, '--timeout', '0.05');
    expect(await exited).toBe(7);
    jest.mocked(process.exit).mockRestore();
    send(late!, 200, directive);
    await asking;
  });

  test('a service that comes back in time is waited for, with the same key', async () => {
    let times = 0;
    cli.gateway.on(`POST /v1/directives/${ID}/commands`, (_, response) => {
      times += 1;
      if (times < 3) send(response, 503, { code: 'unavailable', detail: 'away' });
      else send(response, 202, accepted);
    });
    expect((await cli.writ('pause', ID)).code).toBe(0);
    const keys = new Set(cli.gateway.asked.map(({ headers }) => headers['idempotency-key']));
    expect([cli.gateway.asked.length, keys.size]).toEqual([3, 1]);
  });

  test('an answer that breaks off is asked for again', async () => {
    let times = 0;
    cli.gateway.on(`GET /v1/directives/${ID}`, (_, response) => {
      times += 1;
      if (times > 1) return send(response, 200, directive);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 99 });
      response.write('{"id":');
      setImmediate(() => response.destroy());
    });
    expect(JSON.parse((await cli.writ('show', ID, '--json')).stdout)).toEqual(directive);
  });

  test('a token that is asked for is named as the variable', async () => {
    cli.gateway.refuse('GET /v1/directives', 401, 'unauthorized');
    const { code, stderr } = await cli.writ('list');
    expect(code).toBe(4);
    expect(stderr).toContain('WRIT_TOKEN');
  });

  test.each(['nonsense', 'ftp://127.0.0.1', 'http://user:secret@127.0.0.1:1'])(
    'the address %s is refused at once, and no password is repeated',
    async (url) => {
      process.env['WRIT_URL'] = url;
      const { code, stderr } = await cli.writ('list');
      expect(code).toBe(2);
      expect(stderr).toContain('WRIT_URL');
      expect(stderr).not.toContain('secret');
    },
  );

  test('without a stack the way to one is named', async () => {
    delete process.env['WRIT_URL'];
    process.env['WRIT_HOME'] = cli.folder;
    const { code, stderr } = await cli.writ('list');
    expect(code).toBe(1);
    expect(stderr).toContain('writ up');
  });
});

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('for %s names every command', async (shell) => {
    const { stdout } = await cli.writ('completion', shell);
    for (const { name } of [{ name: 'submit' }, { name: 'manifest' }, { name: 'replay' }]) {
      expect(stdout).toContain(name);
    }
  });
});
