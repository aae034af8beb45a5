import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AllowList } from './allow-list';
import { whatIsWrong } from './expectation';
import { Outbound, redactedHeaders, type OutboundRequest } from './outbound';

const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<{ url: string; port: number }> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const outbound = new Outbound(new AllowList(['127.0.0.1']));
const ask = (request: Partial<OutboundRequest> & { url: string }) =>
  outbound.request({ timeoutMs: 5_000, ...request });

const echo: RequestListener = (request, response) => {
  void textOf(request).then((body) => {
    const { method, url, headers } = request;
    response.setHeader('x-own', 'yes').end(JSON.stringify({ method, url, headers, body }));
  });
};

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test('a request arrives as it was asked, and its answer comes back', async () => {
  const { url } = await serve(echo);
  const answer = await ask({ url: `${url}/a?b=c`, headers: { 'x-key': 'k' }, body: 'text' });
  expect(answer).toMatchObject({ status: 200, truncated: false, url: `${url}/a?b=c` });
  expect(answer.headers['x-own']).toBe('yes');
  expect(JSON.parse(answer.body.toString())).toMatchObject({
    ...{ method: 'POST', url: '/a?b=c', body: 'text' },
    headers: { 'x-key': 'k', 'user-agent': 'writ', 'content-length': '4' },
  });
});

test('of a body no more is read than the limit, and the answer says so', async () => {
  const { url } = await serve((_, response) => {
    const more = () => void (response.write('x'.repeat(10_000)) && setImmediate(more));
    response.on('drain', more);
    more();
  });
  const answer = await ask({ url, maxBytes: 25_000 });
  expect(answer.body.length).toBe(25_000);
  expect(answer.truncated).toBe(true);
});

test('a body of just the limit is whole', async () => {
  const { url } = await serve((_, response) => response.end('12345'));
  const answer = await ask({ url, maxBytes: 5 });
  expect([answer.body.toString(), answer.truncated]).toEqual(['12345', false]);
});

test('one time limit covers the whole answer: one that trickles is ended', async () => {
  const { url } = await serve((_, response) => void response.write('a'));
  await expect(ask({ url, timeoutMs: 150 })).rejects.toMatchObject({
    kind: 'timeout',
    message: 'there was no whole answer within 150 ms',
  });
});

test('a name that is not resolved in time ends with the limit', async () => {
  const slow = new Outbound(new AllowList(['public']), () => new Promise(() => undefined));
  const asked = slow.request({ url: 'http://slow.example', timeoutMs: 50 });
  await expect(asked).rejects.toMatchObject({ kind: 'timeout' });
});

test('the signal of the caller ends it with its own reason', async () => {
  const stop = new AbortController();
  const { url } = await serve(() => stop.abort(new Error('the process stops')));
  await expect(ask({ url, signal: stop.signal })).rejects.toThrow('the process stops');
});

test('nobody there is unreachable, and says where', async () => {
  const { url, port } = await serve(echo);
  await new Promise((closed) => servers.pop()?.close(closed));
  await expect(ask({ url })).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining(`127.0.0.1:${port}`) as string,
  });
});

test('what ends in the middle of its answer is unreachable', async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('a', () => response.destroy());
  });
  await expect(ask({ url })).rejects.toMatchObject({ kind: 'unreachable' });
});

describe('whom it may ask', () => {
  const nobody = new Outbound(new AllowList(['public']));
  const refused = (url: string) =>
    expect(nobody.request({ url, timeoutMs: 1_000 })).rejects.toMatchObject({ kind: 'refused' });

  test.each([
    'http://127.0.0.1:1',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost/',
    'http://169.254.169.254/latest/meta-data',
  ])('by default not %s', (url) => refused(url));

  test('the message names the address, and what would allow it', async () => {
    await expect(nobody.request({ url: 'http://127.0.0.1:1', timeoutMs: 1_000 })).rejects.toThrow(
      '127.0.0.1, port 1, may not be asked; WRIT_HTTP_ALLOW of the service names who may: public',
    );
  });

  test('a redirect to somebody who may not be asked is refused', async () => {
    const { url, port } = await serve((_, response) =>
      response.writeHead(302, { location: 'http://127.0.0.2:1/' }).end(),
    );
    const one = new Outbound(new AllowList([`127.0.0.1:${port}`]));
    await expect(one.request({ url, timeoutMs: 1_000 })).rejects.toMatchObject({ kind: 'refused' });
  });

  test('a name is resolved once, and what was allowed is what is connected to', async () => {
    const { port } = await serve(echo);
    const asked: string[] = [];
    // The second answer would lead to where nobody may go, the first leads there in part.
    const rebinding = new Outbound(new AllowList(['127.0.0.1']), async (name) => {
      asked.push(name);
      return asked.length === 1
        ? [
            { address: '127.0.0.2', family: 4 },
            { address: '127.0.0.1', family: 4 },
          ]
        : [{ address: '127.0.0.2', family: 4 }];
    });
    const url = `http://rebinding.example:${port}/`;
    const answer = await rebinding.request({ url, timeoutMs: 1_000 });
    const { headers } = JSON.parse(answer.body.toString()) as { headers: { host: string } };
    expect(headers.host).toBe(`rebinding.example:${port}`);
    expect(asked).toEqual(['rebinding.example']);
  });
});

describe('redirects', () => {
  const redirecting = (status: number, to: () => string): RequestListener => {
    return (request, response) => {
      if (request.url === '/end') echo(request, response);
      else response.writeHead(status, { location: to() }).end();
    };
  };
  const sent = (body: Buffer) =>
    JSON.parse(body.toString()) as { method: string; body: string; headers: object };

  test('are followed on the same address with what was asked', async () => {
    const { url } = await serve(redirecting(307, () => '/end'));
    const answer = await ask({ url, body: 'b', headers: { authorization: 'secret' } });
    expect(answer.url).toBe(`${url}/end`);
    expect(sent(answer.body)).toMatchObject({
      ...{ method: 'POST', body: 'b', headers: { authorization: 'secret' } },
    });
  });

  test('of a POST that was taken are followed without its body', async () => {
    const { url } = await serve(redirecting(303, () => '/end'));
    const answer = await ask({ url, body: 'b' });
    expect(sent(answer.body)).toMatchObject({ method: 'GET', body: '' });
  });

  test('to another address take no header along', async () => {
    const other = await serve(echo);
    const { url } = await serve(redirecting(302, () => `${other.url}/end`));
    const answer = await ask({ url, headers: { authorization: 'secret', 'x-key': 'k' } });
    expect(answer.body.toString()).not.toMatch(/secret|x-key/);
  });

  test('of what was sent to another address are none', async () => {
    const other = await serve(echo);
    const { url } = await serve(redirecting(307, () => `${other.url}/end`));
    await expect(ask({ url, body: 'b' })).rejects.toMatchObject({ kind: 'redirects' });
  });

  test('have an end', async () => {
    const { url } = await serve(redirecting(302, () => '/again'));
    await expect(ask({ url, maxRedirects: 3 })).rejects.toMatchObject({
      kind: 'redirects',
      message: 'it redirects more than 3 times, at last to /again',
    });
    expect(await ask({ url, maxRedirects: 0 })).toMatchObject({ status: 302 });
  });
});

test.each([
  [{ url: 'ftp://127.0.0.1' }, 'is not of http or https'],
  [{ url: 'http://' }, 'is no address'],
  [{ url: 'http://me:pw@127.0.0.1' }, 'holds a name or a password'],
  [{ url: 'http://127.0.0.1', headers: { Host: 'x' } }, 'the header Host is set by the connection'],
  [{ url: 'http://127.0.0.1', headers: { a: 'b\r\nc: d' } }, 'Invalid character in header'],
  [{ url: 'http://127.0.0.1', method: 'A B' }, 'Method must be a valid HTTP token'],
])('what cannot be asked is told: %j', async (request, message) => {
  const failed = ask(request as { url: string }).catch((error: unknown) => error);
  expect(await failed).toMatchObject({
    kind: 'invalid',
    message: expect.stringContaining(message),
  });
  expect(String(await failed)).not.toContain('pw');
});

test('what is kept of headers are their names', () => {
  expect(redactedHeaders({ authorization: 'secret' })).toEqual({ authorization: '[redacted]' });
});

describe('what is expected of an answer', () => {
  const of = (status: number, text: string, truncated = false) => ({
    ...{ status, headers: {}, body: Buffer.from(text), truncated, url: 'http://a/' },
  });

  test.each([
    [of(204, ''), {}, undefined],
    [of(404, ''), {}, 'http://a/ answered with status 404, not 2xx'],
    [of(404, ''), { status: 404 }, undefined],
    [of(200, ''), { status: [201, 202] }, 'http://a/ answered with status 200, not 201 or 202'],
    [of(200, 'abc'), { bodyIncludes: 'b' }, undefined],
    [of(200, 'abc'), { bodyIncludes: 'd' }, 'the answer of http://a/ does not hold "d"'],
    [of(200, 'abc'), { bodyMatches: '^a.c$' }, undefined],
    [of(200, 'abc'), { bodyMatches: '^b' }, 'the answer of http://a/ does not match ^b'],
    [
      of(200, 'abc', true),
      { bodyIncludes: 'd' },
      'the first 3 bytes of the answer of http://a/ does not hold "d"',
    ],
  ])('%#', (answer, expected, wrong) => expect(whatIsWrong(answer, expected)).toBe(wrong));

  test('an expression that is none cannot be used', () => {
    const broken = () => whatIsWrong(of(200, ''), { bodyMatches: '(?=a)' });
    expect(broken).toThrow(expect.objectContaining({ kind: 'invalid' }) as Error);
  });

  test('an expression takes time by the length of the text, not by its own form', () => {
    const began = performance.now();
    const text = 'a'.repeat(50_000);
    expect(whatIsWrong(of(200, `${text}!`), { bodyMatches: '^(a+)+$' })).toBeDefined();
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('an expression that stands for a huge one is given up', () => {
    const huge = () =>
      whatIsWrong(of(200, 'abc'.repeat(100_000)), { bodyMatches: '(a|b|c){0,900}x' });
    expect(huge).toThrow(/took longer than 2000 ms/);
  });
});
