import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FakeGateway, send } from './fake-gateway';
import { makeProgram, run } from './program';

let gateway: FakeGateway;
let folder: string;
const environment = { ...process.env };
beforeEach(async () => {
  gateway = await FakeGateway.start();
  folder = mkdtempSync(join(tmpdir(), 'writ-cli-'));
  process.env['WRIT_URL'] = gateway.url;
  process.env['NO_COLOR'] = '1';
});
afterEach(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
  process.env = { ...environment };
});

interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

async function writ(...argv: string[]): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  try {
    return { code: await run(argv), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

function write(text: string, name = 'directive.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const ID = 'aaaaaaaaaaaaaaaa';
const step = {
  ...{ id: 's', name: 'one', type: 'implement', status: 'passed', dependsOn: [], attempt: 1 },
  ...{ runId: `${ID}-g1-one-a1`, runStatus: 'success', confidence: { score: 1, level: 'green' } },
  ...{ startedAt: '2026-01-01T00:00:00Z', completedAt: '2026-01-01T00:00:02.5Z', artifacts: [] },
};
const directive = {
  ...{ id: ID, title: 'T', goal: 'G', status: 'completed', generation: 1, costUsd: 0 },
  ...{ createdAt: '2026-01-01T00:00:00Z', startedAt: '2026-01-01T00:00:00Z' },
  ...{ completedAt: '2026-01-01T00:00:03Z', version: 3, position: 7 },
  ...{ workspace: { branch: null, commit: null }, steps: [step], approvals: [], criteria: [] },
};
const accepted = { directiveId: ID, commandId: 'c', position: 3, version: 2 };
const file = () =>
  write('title: T\ngoal: G\nchain:\n  steps:\n    - { name: one, adapter: { kind: echo } }\n');

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
    [['up', '--port', '70000'], 'port'],
    [['submit', 'x.yaml', '--var', 'nothing'], 'name=value'],
    [['log'], 'verify'],
    [['completion', 'tcsh'], 'bash, zsh and fish'],
    [[], 'Usage'],
  ])('%j ends with 2 and says what was meant', async (argv, words) => {
    const { code, stderr, stdout } = await writ(...argv);
    expect(code).toBe(2);
    expect(stderr.toLowerCase()).toContain(words.toLowerCase());
    expect(stdout).toBe('');
  });

  test('with --json is one line of JSON', async () => {
    const { code, stderr } = await writ('shwo', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'usage' } });
  });

  test('--help and --version end with 0 on stdout', async () => {
    expect(await writ('--help')).toMatchObject({ code: 0, stderr: '' });
    expect((await writ('show', '--help')).stdout).toContain('Usage: writ show');
    expect((await writ('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
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
    [401, 'unauthorized', 4],
    [403, 'forbidden', 4],
    [409, 'illegal_transition', 5],
    [409, 'stale', 5],
    [422, 'command_reused', 5],
    [422, 'not_available', 2],
    [413, 'too_large', 2],
    [500, 'internal', 1],
    [400, 'malformed', 2],
  ])('%i %s ends with %i', async (status, code, exit) => {
    gateway.refuse(`GET /v1/directives/${ID}`, status, code, 'that is why', { x: 1 });
    const { code: ended, stderr, stdout } = await writ('show', ID, '--json');
    expect(ended).toBe(exit);
    expect(stdout).toBe('');
    const { error } = JSON.parse(stderr) as { error: { message: string } };
    expect(error).toMatchObject({ code });
    expect(error.message).toContain('that is why');
  });

  test('what was not found is named', async () => {
    expect((await writ('show', ID)).stderr).toContain(ID);
    expect((await writ('run-info', `${ID}-g1-one-a1`)).stderr).toContain(`${ID}-g1-one-a1`);
  });

  test('an answer that takes too long ends with 7', async () => {
    let late: ServerResponse | undefined;
    gateway.on(`GET /v1/directives/${ID}`, (_, response) => (late = response));
    const exited = new Promise<number>((resolve) => {
      jest.spyOn(process, 'exit').mockImplementation(((code: number) => resolve(code)) as never);
    });
    const asking = writ('show', ID, '--timeout', '0.05');
    expect(await exited).toBe(7);
    jest.mocked(process.exit).mockRestore();
    send(late!, 200, directive);
    await asking;
  });

  test('a service that comes back in time is waited for, with the same key', async () => {
    let times = 0;
    gateway.on(`POST /v1/directives/${ID}/commands`, (_, response) => {
      times += 1;
      if (times < 3) send(response, 503, { code: 'unavailable', detail: 'away' });
      else send(response, 202, accepted);
    });
    expect((await writ('pause', ID)).code).toBe(0);
    const keys = new Set(gateway.asked.map(({ headers }) => headers['idempotency-key']));
    expect([gateway.asked.length, keys.size]).toEqual([3, 1]);
  });

  test('an answer that breaks off is asked for again', async () => {
    let times = 0;
    gateway.on(`GET /v1/directives/${ID}`, (_, response) => {
      times += 1;
      if (times > 1) return send(response, 200, directive);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 99 });
      response.write('{"id":');
      setImmediate(() => response.destroy());
    });
    expect(JSON.parse((await writ('show', ID, '--json')).stdout)).toEqual(directive);
  });

  test('without a stack the way to one is named', async () => {
    delete process.env['WRIT_URL'];
    process.env['WRIT_HOME'] = folder;
    const { code, stderr } = await writ('list');
    expect(code).toBe(1);
    expect(stderr).toContain('writ up');
  });
});

describe('submit', () => {
  test('prints the ids, and sends the directive with its key', async () => {
    gateway.on('POST /v1/directives', (_, response) => send(response, 202, accepted));
    const { code, stdout } = await writ('submit', file(), '--json', '--key', 'k', '--no-start');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ directiveId: ID, commandId: 'c', position: 3 });
    const [asked] = gateway.asked;
    expect(asked?.headers['idempotency-key']).toBe('k');
    expect(JSON.parse(asked!.body)).toMatchObject({ directive: { title: 'T' }, start: false });
  });

  test('without --json the id alone is data', async () => {
    gateway.on('POST /v1/directives', accepted);
    const { stdout, stderr } = await writ('submit', file());
    expect(stdout).toBe(`${ID}\n`);
    expect(stderr).toContain(`writ watch ${ID}`);
  });

  test('files that steps name are uploaded once, before the directive', async () => {
    const digest = `sha256:${createHash('sha256').update('hello').digest('hex')}`;
    write('hello', 'a.mjs');
    gateway.on('POST /v1/directives', accepted);
    gateway.on(`PUT /v1/artifacts/${digest}`, { digest, bytes: 5 });
    const text =
      'title: T\ngoal: G\nchain: { steps: [{ name: a, adapter: { kind: echo }, inputs: [a.mjs] }] }\n';
    await writ('submit', write(text));
    expect(gateway.asked.map(({ method }) => method)).toEqual(['HEAD', 'PUT', 'POST']);
    expect(gateway.asked[1]?.body).toBe('hello');
    expect(JSON.parse(gateway.asked[2]!.body)).toMatchObject({
      directive: { chain: { steps: [{ inputs: [{ name: 'a.mjs', digest }] }] } },
    });
    gateway.on(`HEAD /v1/artifacts/${digest}`, {});
    await writ('submit', write(text));
    expect(gateway.asked.slice(3).map(({ method }) => method)).toEqual(['HEAD', 'POST']);
  });

  test('what the planner finds wrong is told with its line', async () => {
    const issues = [{ code: 'cycle', message: 'they wait', path: '/chain/steps/0' }];
    gateway.refuse('POST /v1/directives', 422, 'invalid_directive', 'no', { issues });
    const path = file();
    const { code, stderr } = await writ('submit', path);
    expect(code).toBe(2);
    expect(stderr).toContain(`${path}:5:7 cycle they wait`);
  });

  test('a file with errors is told before any stack is asked', async () => {
    process.env['WRIT_URL'] = 'http://127.0.0.1:1';
    const { code, stderr } = await writ('submit', write('title: T\ngaol: G\n'), '--json');
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
      gateway.on(`POST /v1/directives/${ID}/commands`, accepted);
      const { code, stdout } = await writ(verb, ID, '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ directiveId: ID, commandId: 'c', position: 3 });
      expect(JSON.parse(gateway.asked[0]!.body)).toEqual({ verb });
    },
  );

  test('a reason goes along', async () => {
    gateway.on(`POST /v1/directives/${ID}/commands`, accepted);
    await writ('stop', ID, '--reason', 'too dear');
    expect(JSON.parse(gateway.asked[0]!.body)).toEqual({ verb: 'stop', reason: 'too dear' });
  });
});

describe('watch', () => {
  test.each([
    ['completed', 0],
    ['failed', 10],
    ['stopped', 10],
  ])('a directive that is %s ends with %i and prints it', async (status, expected) => {
    gateway.on(`GET /v1/directives/${ID}`, { ...directive, status });
    const { code, stdout } = await writ('watch', ID, '--json');
    expect(code).toBe(expected);
    expect(JSON.parse(stdout)).toMatchObject({ id: ID, status });
  });

  test('what takes too long ends with 7, and the directive goes on', async () => {
    gateway.on(`GET /v1/directives/${ID}`, { ...directive, status: 'active' });
    const { code, stderr } = await writ('watch', ID, '--json', '--timeout', '0.3');
    expect(code).toBe(7);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'timeout' } });
  });

  test('changes are told line by line where nothing can be drawn', async () => {
    const states = ['running', 'evaluating', 'passed'];
    gateway.on(`GET /v1/directives/${ID}`, (_, response) => {
      const status = states.length > 1 ? states.shift() : states[0];
      const whole = status === 'passed' ? 'completed' : 'active';
      send(response, 200, { ...directive, status: whole, steps: [{ ...step, status }] });
    });
    gateway.on(`GET /v1/directives/${ID}/events`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('id: 8\ndata: {}\n\nid: 9\ndata: {}\n\n');
    });
    const { stderr } = await writ('watch', ID);
    expect(stderr.split('\n')).toEqual([
      '▶ one running in 2.5 s',
      `▶ ${ID} active`,
      '◑ one evaluating in 2.5 s',
      '✓ one passed in 2.5 s',
      `✓ ${ID} completed`,
      '',
    ]);
  });
});

describe('reading', () => {
  test('list gives an array', async () => {
    gateway.on('GET /v1/directives', [directive]);
    const { stdout } = await writ(
      'list',
      '--json',
      '--status',
      'active',
      '--limit',
      '5',
      '--after',
      ID,
    );
    expect(JSON.parse(stdout)).toEqual([directive]);
    expect(gateway.asked[0]?.path).toBe(`/v1/directives?status=active&limit=5&after=${ID}`);
  });

  test('show gives the document as it came', async () => {
    gateway.on(`GET /v1/directives/${ID}`, directive);
    expect(JSON.parse((await writ('show', ID, '--json')).stdout)).toEqual(directive);
    expect((await writ('show', ID)).stdout).toContain('✓ one');
  });

  test('events come page by page, one line each, until there are no more', async () => {
    const event = (position: number) => ({
      position,
      recordedAt: 'x',
      type: 'T',
      stream: 's',
      data: {},
    });
    gateway.on('GET /v1/events', ({ path }, response) => {
      const query = new URL(path, gateway.url).searchParams;
      const [after, limit] = [Number(query.get('after')), Number(query.get('limit'))];
      const last = Math.min(2_500, after + limit);
      const events = Array.from({ length: last - after }, (_, at) => event(after + at + 1));
      send(response, 200, { events, headPosition: 2_500 });
    });
    const { stdout } = await writ('events', '--json');
    const positions = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { position: number }).position);
    expect(positions).toEqual(Array.from({ length: 2_500 }, (_, at) => at + 1));
    expect(
      (await writ('events', '--limit', '3', '--after', '7')).stdout.trim().split('\n'),
    ).toHaveLength(3);
  });

  test('events that come later follow, also after the stream broke', async () => {
    const event = (position: number) => ({
      position,
      recordedAt: 'x',
      type: 'T',
      stream: 's',
      data: {},
    });
    gateway.on('GET /v1/events', ({ path, headers }, response) => {
      const after = Number(new URL(path, gateway.url).searchParams.get('after'));
      if (!headers.accept?.includes('event-stream'))
        return send(response, 200, { events: [event(1)] });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: ${after + 1}\ndata: ${JSON.stringify(event(after + 1))}\n\n`);
      // Broken off the second time, ended in order the others.
      if (after === 2) setImmediate(() => response.destroy());
      else response.end();
    });
    const { stdout } = await writ('events', '--follow', '--json', '--limit', '4');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((it) => (JSON.parse(it) as { position: number }).position),
    ).toEqual([1, 2, 3, 4]);
  });

  test('what a run said is printed without what could move a cursor', async () => {
    const id = `${ID}-g1-one-a1`;
    gateway.on(`GET /v1/runs/${id}`, { runId: id, status: 'complete' });
    gateway.on(`GET /v1/runs/${id}/logs`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('a\x1b[2Jb\n\x1b]0;x\x07last');
    });
    expect((await writ('logs', id)).stdout).toBe('ab\nlast\n');
  });
});

describe('long work', () => {
  const lines = (...values: object[]) => values.map((value) => JSON.stringify(value)).join('\n');
  const work = (path: string, text: string) =>
    gateway.on(`POST ${path}`, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(text);
    });
  const report = (equal: boolean) => ({
    events: 3,
    seconds: 0.1,
    projections: [{ name: 'planner.directive', rows: 2, equal }],
  });

  test('rebuild prints its report, and ends with 11 when a check finds a difference', async () => {
    work('/v1/rebuild', lines({ progress: { service: 'planner' } }, { result: report(true) }));
    const { code, stdout } = await writ('rebuild', '--check', '--json');
    expect([code, JSON.parse(stdout)]).toEqual([0, report(true)]);
    expect(JSON.parse(gateway.asked[0]!.body)).toEqual({ check: true });
    work('/v1/rebuild', lines({ result: report(false) }));
    expect((await writ('rebuild', '--check')).code).toBe(11);
    expect((await writ('rebuild')).code).toBe(0);
  });

  test('log verify ends with 11 when the log does not hold', async () => {
    const found = { events: 3, headPosition: 3, headHash: 'h', ok: true };
    work('/v1/log/verify', lines({ result: found }));
    expect(await writ('log', 'verify', '--json')).toMatchObject({
      code: 0,
      stdout: `${JSON.stringify(found)}\n`,
    });
    const bad = { ...found, ok: false, firstBad: { position: 2, reason: 'its hash is another' } };
    work('/v1/log/verify', lines({ result: bad }));
    const { code, stderr } = await writ('log', 'verify');
    expect(code).toBe(11);
    expect(stderr).toContain('position 2: its hash is another');
  });

  test('an error at its end is an error of the command', async () => {
    work(
      '/v1/rebuild',
      lines({ progress: {} }, { error: { code: 'unavailable', message: 'nobody' } }),
    );
    const { code, stderr } = await writ('rebuild', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toEqual({ error: { code: 'unavailable', message: 'nobody' } });
  });

  test('an answer that breaks off is no success', async () => {
    work('/v1/rebuild', lines({ progress: {} }));
    expect((await writ('rebuild')).code).toBe(1);
  });
});

describe('manifest verify', () => {
  test('works with nothing running, and tells a manifest that does not hold', async () => {
    await gateway.stop();
    const wrong = await writ('manifest', 'verify', write('{"kind":"run"}', 'm.json'), '--json');
    expect(wrong.code).toBe(11);
    expect(JSON.parse(wrong.stdout)).toMatchObject({ ok: false, kind: 'run' });
    expect((await writ('manifest', 'verify', write('{', 'm.json'))).code).toBe(2);
    expect((await writ('manifest', 'verify', join(folder, 'none'))).code).toBe(3);
    gateway = await FakeGateway.start();
  });
});

describe('completion', () => {
  test.each(['bash', 'zsh', 'fish'])('for %s names every command', async (shell) => {
    const { stdout } = await writ('completion', shell);
    for (const { name } of [{ name: 'submit' }, { name: 'manifest' }, { name: 'replay' }]) {
      expect(stdout).toContain(name);
    }
  });
});
