import { type DirectiveDocument, type RunDocument, subjects } from '@writ/contracts';
import { QueryError } from '@writ/messaging';
import { eventually } from '@writ/testing';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';

import { digestOf, type GatewayUnderTest, startGateway } from './stand-ins';

let gateway: GatewayUnderTest;
beforeAll(async () => {
  gateway = await startGateway({ requestTimeoutMs: 1_000 });
});
afterAll(() => gateway.stop());

const directive = {
  title: 'T',
  goal: 'G',
  chain: { steps: [{ name: 'one', adapter: { kind: 'echo' } }] },
};

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID(), ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(gateway.url + path, { headers });
type Json = Record<string, unknown>;
const problemOf = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return (await response.json()) as Json;
};

describe('submitting', () => {
  test('gives 202 with the ids and the place in the log', async () => {
    const response = await post('/v1/directives', { directive });
    expect(response.status).toBe(202);
    const answer = (await response.json()) as Json;
    expect(answer).toEqual({
      directiveId: expect.stringMatching(/^[a-z0-9]{16}$/) as string,
      commandId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      position: expect.any(Number) as number,
      version: 1,
    });
    const command = gateway.standIns.commands.at(-1)!;
    expect(command.subject).toBe('writ.command.directive.create');
    expect(command.attributes).toMatchObject({
      id: answer['commandId'],
      actor: { kind: 'person', id: 'local' },
      traceparent: expect.stringMatching(/^00-/) as string,
    });
  });

  test('a hundred times at once with one key makes one directive', async () => {
    const headers = { 'idempotency-key': 'the-same' };
    const ids = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const response = await post('/v1/directives', { directive }, headers);
        expect(response.status).toBe(202);
        return ((await response.json()) as Json)['directiveId'];
      }),
    );
    expect(new Set(ids).size).toBe(1);
  });

  test('one key with another body is refused', async () => {
    const headers = { 'idempotency-key': 'used-before' };
    await post('/v1/directives', { directive }, headers);
    const response = await post(
      '/v1/directives',
      { directive: { ...directive, title: 'U' } },
      headers,
    );
    expect(response.status).toBe(422);
    expect(await problemOf(response)).toMatchObject({ code: 'command_reused' });
  });

  test('a directive with mistakes is told each of them, with its place', async () => {
    const response = await post('/v1/directives', {
      directive: { ...directive, gaol: 1, title: 2 },
    });
    expect(response.status).toBe(422);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({
      type: 'urn:writ:problem:invalid_directive',
      code: 'invalid_directive',
      status: 422,
      instance: `urn:uuid:${response.headers.get('request-id')}`,
      details: {
        issues: [
          { code: 'wrong_type', path: '/title' },
          { code: 'unknown_key', path: '/gaol' },
        ],
      },
    });
  });

  test('without a key, or with one that is none, nothing is sent', async () => {
    const before = gateway.standIns.commands.length;
    for (const key of ['', 'two words', 'x'.repeat(201)]) {
      const response = await post('/v1/directives', { directive }, { 'idempotency-key': key });
      expect(response.status).toBe(400);
    }
    expect(gateway.standIns.commands).toHaveLength(before);
  });
});

describe('a body', () => {
  const deep = `{"directive":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
  test.each([
    ['that is not JSON', '{"directive": tru}', 400, 'malformed', 'line 1, column 15'],
    ['that is not UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 400, 'malformed', 'UTF-8'],
    ['with an unknown key', '{"directive":{},"x":1}', 400, 'malformed', '"x"'],
    ['that reaches for a prototype', '{"__proto__":{}}', 400, 'malformed', '__proto__'],
    ['nested ten thousand deep', deep, 400, 'malformed', 'deeper'],
    ['that is empty', '', 400, 'malformed', 'empty'],
    ['that is too large', `"${'x'.repeat(1024 * 1024)}"`, 413, 'too_large', '1048576'],
  ])('%s is refused and says why', async (_, body, status, code, words) => {
    const response = await post('/v1/directives', body);
    expect(response.status).toBe(status);
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ code });
    expect(problem['detail']).toContain(words);
  });

  test('of ten megabytes in pieces without a length is refused', async () => {
    async function* pieces() {
      for (let sent = 0; sent < 10; sent += 1) yield new Uint8Array(1024 * 1024);
    }
    const response = await fetch(`${gateway.url}/v1/directives`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'x' },
      body: pieces() as unknown as ReadableStream,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
  });

  test('of another type is refused: a form of a foreign page cannot send JSON', async () => {
    const response = await post('/v1/directives', '{}', { 'content-type': 'text/plain' });
    expect(response.status).toBe(415);
  });

  test('that never ends is cut off after the limit', async () => {
    const { port } = new URL(gateway.url);
    const socket = connect(Number(port), '127.0.0.1');
    const ended = new Promise<string>((resolve) => {
      let said = '';
      socket.on('data', (piece) => (said += piece.toString()));
      socket.on('close', () => resolve(said));
    });
    socket.write(
      'POST /v1/directives HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    );
    expect(await ended).toContain('408');
  });
});

describe('commands on a directive', () => {
  test('go to the planner with their reason', async () => {
    const response = await post('/v1/directives/abcdefghabcdefgh/commands', {
      verb: 'pause',
      reason: 'lunch',
    });
    expect(response.status).toBe(202);
    expect(gateway.standIns.commands.at(-1)).toMatchObject({
      subject: 'writ.command.directive.pause',
      data: { directiveId: 'abcdefghabcdefgh', reason: 'lunch' },
    });
  });

  test.each([
    [{ verb: 'create' }, 400],
    [{ verb: 'pasue' }, 400],
    [{ verb: 'resume', reason: 'x' }, 400],
    [{}, 400],
  ])('%j is refused', async (body, status) => {
    const response = await post('/v1/directives/abcdefghabcdefgh/commands', body);
    expect(response.status).toBe(status);
  });

  test.each([
    ['illegal_transition', 409],
    ['not_found', 404],
    ['stale', 409],
    ['not_available', 422],
    ['a_code_of_the_future', 500],
  ])('a refusal %s becomes %i', async (code, status) => {
    const { standIns } = gateway;
    const decide = standIns.decide;
    standIns.decide = () => ({ ok: false, error: { code, message: 'no', details: { from: 'x' } } });
    const response = await post('/v1/directives/abcdefghabcdefgh/commands', { verb: 'stop' });
    standIns.decide = decide;
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ detail: 'no' });
  });
});

describe('reading', () => {
  test('a directive, and its chain in layers', async () => {
    const step = (name: string, dependsOn: string[] = []) => ({ name, dependsOn, artifacts: [] });
    const steps = [step('c', ['a', 'b']), step('a'), step('b', ['a'])];
    const document = { id: 'aaaaaaaaaaaaaaaa', title: 'T', generation: 1, steps };
    gateway.standIns.directives.set('aaaaaaaaaaaaaaaa', document as unknown as DirectiveDocument);
    expect(await (await get('/v1/directives/aaaaaaaaaaaaaaaa')).json()).toEqual(document);
    const chain = (await (await get('/v1/directives/aaaaaaaaaaaaaaaa/chain')).json()) as {
      steps: Json[];
    };
    expect(chain.steps.map(({ name, layer }) => [name, layer])).toEqual([
      ['c', 2],
      ['a', 0],
      ['b', 1],
    ]);
  });

  test.each([
    ['/v1/directives/zzzzzzzzzzzzzzzz', 404],
    ['/v1/directives/NOT_AN_ID', 400],
    ['/v1/directives?limt=1', 400],
    ['/v1/directives?limit=0', 400],
    ['/v1/directives?status=nonsense', 400],
    ['/v1/events?after=-1', 400],
    ['/v1/events?after=1&after=2', 400],
    ['/v1/directives/zzzzzzzzzzzzzzzz?x=1', 400],
    ['/v1/nothing', 404],
    ['/v1/directives/%ff', 400],
  ])('%s is answered with %i as a problem', async (path, status) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ status });
  });

  test('an unknown query parameter is told the one that was meant', async () => {
    const problem = await problemOf(await get('/v1/directives?limt=1'));
    expect(problem['detail']).toContain('did you mean "limit"?');
  });

  test('a service that is away gives 503 and says when to come back', async () => {
    const { runs } = gateway.standIns;
    jest.spyOn(runs, 'get').mockImplementation(() => {
      throw new QueryError('busy', '256 queries are under way');
    });
    const response = await get('/v1/runs/aaaaaaaaaaaaaaaa-g1-one-a1');
    jest.mocked(runs.get).mockRestore();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await problemOf(response)).toMatchObject({ code: 'unavailable' });
  });

  test('in long work such a service is an error in the last line', async () => {
    const response = await post('/v1/rebuild', { check: true });
    expect(response.status).toBe(200);
    expect((await response.text()).trim().split('\n').at(-1)).toContain(
      '{"error":{"code":"unavailable"',
    );
  });

  test('every response has the security headers and a request id', async () => {
    for (const path of ['/', '/healthz', '/v1/nothing', '/page.js']) {
      const { headers } = await get(path);
      expect(headers.get('content-security-policy')).toContain(`default-src 'none'`);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });
});

describe('artifacts', () => {
  test('come back as they were put, as a download that no browser runs', async () => {
    const bytes = Buffer.alloc(1_300_000, 'abc<script>');
    const digest = digestOf(bytes);
    const put = await fetch(`${gateway.url}/v1/artifacts/${digest}`, {
      method: 'PUT',
      body: bytes,
    });
    expect(await put.json()).toEqual({ digest, bytes: bytes.length });
    const response = await get(`/v1/artifacts/${digest}?name=${encodeURIComponent('a"b ü.html')}`);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="a_b__.html"; filename*=UTF-8''a%22b%20%C3%BC.html`,
    );
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    const head = await fetch(`${gateway.url}/v1/artifacts/${digest}`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(bytes.length));
  });

  test('nothing at all is an artifact too', async () => {
    const digest = digestOf('');
    await fetch(`${gateway.url}/v1/artifacts/${digest}`, { method: 'PUT', body: '' });
    const response = await get(`/v1/artifacts/${digest}`);
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test('bytes that are not what their digest says are refused', async () => {
    const url = `${gateway.url}/v1/artifacts/${digestOf('one')}`;
    const response = await fetch(url, { method: 'PUT', body: 'two' });
    expect(response.status).toBe(422);
    expect(await problemOf(response)).toMatchObject({ code: 'digest_mismatch' });
    expect((await get(`/v1/artifacts/${digestOf('one')}`)).status).toBe(404);
  });

  test('a manifest comes byte for byte as it was sealed', async () => {
    const id = 'aaaaaaaaaaaaaaaa-g1-one-a1';
    gateway.standIns.manifests.set(id, '{"b":1,"a":2}');
    const response = await get(`/v1/runs/${id}/manifest`);
    expect(await response.text()).toBe('{"b":1,"a":2}');
    expect(response.headers.get('etag')).toBe(`"${digestOf('{"b":1,"a":2}')}"`);
  });
});

/** Reads a stream of events until it has enough of them. */
async function readStream(
  path: string,
  headers: Record<string, string> = {},
  until: (text: string) => boolean = () => false,
) {
  const abort = new AbortController();
  const response = await fetch(gateway.url + path, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  const text: { read: string } = { read: '' };
  const done = (async () => {
    const decoder = new TextDecoder();
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      text.read += decoder.decode(piece, { stream: true });
      if (until(text.read)) return;
    }
  })().catch(() => undefined);
  const ids = () => [...text.read.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  return { response, text, ids, done, leave: () => abort.abort() };
}

describe('the live feed', () => {
  test('goes on with what comes, and after a break where it stopped', async () => {
    const { standIns } = gateway;
    const start = standIns.events.length;
    for (let at = 0; at < 5; at += 1) standIns.append('directive-bbbbbbbbbbbbbbbb');
    const first = await readStream(`/v1/events?after=${start}`);
    await eventually(() => first.ids().length === 5, { what: 'the five' });
    standIns.append('directive-cccccccccccccccc');
    await eventually(() => first.ids().length === 6, { what: 'the sixth' });
    first.leave();
    for (let at = 0; at < 5; at += 1) standIns.append('directive-bbbbbbbbbbbbbbbb');
    const second = await readStream('/v1/events', { 'last-event-id': String(first.ids().at(-1)) });
    await eventually(() => second.ids().length === 5, { what: 'the rest' });
    second.leave();
    const seen = [...first.ids(), ...second.ids()].map((id) => id - start);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('of one directive has its events only', async () => {
    const { standIns } = gateway;
    const mine = standIns.append('directive-dddddddddddddddd').position;
    const stream = await readStream('/v1/directives/dddddddddddddddd/events');
    await eventually(() => stream.ids().length === 1, { what: 'the first' });
    standIns.append('directive-eeeeeeeeeeeeeeee');
    const run = standIns.append('run-dddddddddddddddd-g1-one-a1').position;
    await eventually(() => stream.ids().length === 2, { what: 'the second' });
    expect(stream.ids()).toEqual([mine, run]);
    stream.leave();
  });

  test('with an id that is no position is refused', async () => {
    const { response } = await readStream('/v1/events', { 'last-event-id': 'x' });
    expect(response.status).toBe(400);
  });

  test('a client that does not read is cut off and not kept in memory', async () => {
    const { standIns } = gateway;
    const { port } = new URL(gateway.url);
    const socket = connect(Number(port), '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const after = standIns.events.length;
    socket.write(
      `GET /v1/events?after=${after} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    const gauge = async () =>
      /writ_gateway_feeds (\d+)/.exec(await (await get('/metrics')).text())![1];
    await eventually(async () => (await gauge()) === '1', { what: 'the feed to be open' });
    const data = { text: 'x'.repeat(500_000) };
    await eventually(
      async () => {
        standIns.append('directive-ffffffffffffffff', 'Large', data);
        return (await gauge()) === '0';
      },
      { what: 'the client to be cut off', every: 60 },
    );
    socket.resume();
    await closed;
    standIns.events.length = after;
  });
});

describe('the output of a run', () => {
  const runId = 'aaaaaaaaaaaaaaaa-g1-two-a1';
  const running = { runId, status: 'processing', result: null, transcript: null };

  test('that goes on is followed, and ends with the result', async () => {
    const { standIns } = gateway;
    standIns.runs.set(runId, running as unknown as RunDocument);
    expect((await get(`/v1/runs/${runId}/logs`)).status).toBe(409);
    const stream = await readStream(`/v1/runs/${runId}/logs`);
    const piece = { runId, stream: 'stdout', text: 'hello\n', offset: 0 };
    await eventually(
      () => {
        standIns.bus.broadcast(subjects.log(runId), Buffer.from(JSON.stringify(piece)));
        return stream.text.read.includes('hello');
      },
      { what: 'the output' },
    );
    const ended = { ...running, status: 'complete', result: 'success' };
    standIns.runs.set(runId, ended as unknown as RunDocument);
    standIns.append(`run-${runId}`, 'RunEnded');
    await stream.done;
    expect(stream.text.read).toContain('event: stdout\n');
    expect(stream.text.read).toContain('event: end\ndata: {"result":"success","transcript":null}');
  });

  test('that has ended is its transcript', async () => {
    const transcript = gateway.standIns.keep(Buffer.from('all of it'));
    const ended = { ...running, status: 'complete', transcript };
    gateway.standIns.runs.set(runId, ended as unknown as RunDocument);
    const response = await get(`/v1/runs/${runId}/logs`);
    expect(await response.text()).toBe('all of it');
    expect(response.headers.get('content-type')).toContain('text/plain');
  });
});

describe('long work', () => {
  test('tells its progress line by line and last its result', async () => {
    await gateway.standIns.answer('manifest', 'verify-log', (_, progress) => {
      progress({ verified: 10 });
      return { events: 20, ok: true };
    });
    const response = await post('/v1/log/verify', {});
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    expect(lines).toEqual([{ progress: { verified: 10 } }, { result: { events: 20, ok: true } }]);
  });
});

describe('dead letters', () => {
  test('are listed, shown and sent again', async () => {
    const subject = subjects.command('create');
    const attributes = { id: 'poison', type: 't', source: '/s' };
    await gateway.standIns.bus.send({ subject, dataText: 'not json', attributes });
    const letters = await eventually(
      async () => {
        const listed = (await (await get('/v1/dead-letters')).json()) as Json[];
        return listed.length > 0 && listed;
      },
      { what: 'the dead letter' },
    );
    const [letter] = letters as Json[];
    expect(letter).toMatchObject({ reason: 'malformed', subject });
    expect(letter).not.toHaveProperty('bodyBase64');
    const path = `/v1/dead-letters/${String(letter!['sequence'])}`;
    const shown = (await (await get(path)).json()) as Json;
    expect(Buffer.from(shown['bodyBase64'] as string, 'base64').toString()).toBe('not json');
    const replayed = await post(`${path}/replay`, {});
    expect(replayed.status).toBe(200);
    expect(await replayed.json()).toMatchObject({ subject });
    expect((await post(`${path}/replay`, {})).status).toBe(404);
  });
});

describe('with a token', () => {
  let closed: GatewayUnderTest;
  beforeAll(async () => {
    closed = await startGateway({ token: 'a-token-of-some-length' });
  });
  afterAll(() => closed.stop());

  test('nothing but health is told without it', async () => {
    for (const path of ['/', '/v1/directives', '/openapi.json', '/page.js', '/v1/nothing']) {
      const response = await fetch(closed.url + path);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('Bearer');
    }
    expect((await fetch(`${closed.url}/readyz`)).status).toBe(200);
    const headers = { authorization: 'Bearer a-token-of-some-length' };
    expect((await fetch(`${closed.url}/v1/directives`, { headers })).status).toBe(200);
  });
});

test('a gateway that stops ends its streams and waits for no idle connection', async () => {
  const stopping = await startGateway();
  const response = await fetch(`${stopping.url}/v1/events`, {
    headers: { accept: 'text/event-stream' },
  });
  const ended = response.text();
  await fetch(`${stopping.url}/healthz`);
  const silent = connect(Number(new URL(stopping.url).port), '127.0.0.1');
  await new Promise((resolve) => silent.once('connect', resolve));
  const begun = performance.now();
  await stopping.stop();
  expect(await ended).toContain('retry');
  expect(performance.now() - begun).toBeLessThan(2_000);
});
