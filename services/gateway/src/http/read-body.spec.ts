import { connect } from 'node:net';

import { problemOf, TestRequests } from '../test-requests';

const gateway = TestRequests.ofOneGateway({ requestTimeoutMs: 1_000 });

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
    const response = await gateway.post('/v1/directives', body);
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
    const response = await gateway.post('/v1/directives', '{}', { 'content-type': 'text/plain' });
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
