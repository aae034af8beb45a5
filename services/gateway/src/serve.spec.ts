import type { DirectiveDocument } from '@writ/contracts';
import { QueryError } from '@writ/messaging';
import { connect } from 'node:net';

import { type GatewayUnderTest, startGateway } from './stand-ins';
import { type Json, problemOf, TestRequests } from './test-requests';

const gateway = TestRequests.ofOneGateway();

describe('reading', () => {
  test('a directive, and its chain in layers', async () => {
    const step = (name: string, dependsOn: string[] = []) => ({ name, dependsOn, artifacts: [] });
    const steps = [step('c', ['a', 'b']), step('a'), step('b', ['a'])];
    const document = { id: 'aaaaaaaaaaaaaaaa', title: 'T', generation: 1, steps };
    gateway.standIns.directives.set('aaaaaaaaaaaaaaaa', document as unknown as DirectiveDocument);
    expect(await (await gateway.get('/v1/directives/aaaaaaaaaaaaaaaa')).json()).toEqual(document);
    const chain = (await (await gateway.get('/v1/directives/aaaaaaaaaaaaaaaa/chain')).json()) as {
      steps: Json[];
    };
    expect(chain.steps.map(({ name, layer }) => [name, layer])).toEqual([
      ['c', 2],
      ['a', 0],
      ['b', 1],
    ]);
    const places = chain.steps.map(({ position }) => position as { x: number });
    expect(places[1]!.x).toBeLessThan(places[2]!.x);
    expect(places[2]!.x).toBeLessThan(places[0]!.x);
  });

  test.each([
    ['/v1/directives/zzzzzzzzzzzzzzzz', 404],
    ['/v1/directives/NOT_AN_ID', 404],
    ['/v1/runs/NOT_AN_ID', 404],
    ['/v1/artifacts/NOT_A_DIGEST', 404],
    ['/v1/directives?limt=1', 400],
    ['/v1/directives?limit=0', 400],
    ['/v1/directives?status=nonsense', 400],
    ['/v1/events?after=-1', 400],
    ['/v1/events?after=1&after=2', 400],
    ['/v1/directives/zzzzzzzzzzzzzzzz?x=1', 400],
    ['/v1/nothing', 404],
    ['/v1/directives/%ff', 400],
  ])('%s is answered with %i as a problem', async (path, status) => {
    const response = await gateway.get(path);
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ status });
  });

  test.each(['/?directive=zzzzzzzzzzzzzzzz', '/?directive=NOT_AN_ID'])(
    'a person who looks at %s is told in a page',
    async (path) => {
      const response = await gateway.get(path);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('text/html');
      expect(await response.text()).toContain('<a href="/">All directives</a>');
    },
  );

  test('an unknown query parameter is told the one that was meant', async () => {
    const problem = await problemOf(await gateway.get('/v1/directives?limt=1'));
    expect(problem['detail']).toContain('did you mean "limit"?');
  });

  test('a service that is away gives 503 and says when to come back', async () => {
    const { runs } = gateway.standIns;
    jest.spyOn(runs, 'get').mockImplementation(() => {
      throw new QueryError('busy', '256 queries are under way');
    });
    const response = await gateway.get('/v1/runs/aaaaaaaaaaaaaaaa-g1-one-a1');
    jest.mocked(runs.get).mockRestore();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await problemOf(response)).toMatchObject({ code: 'unavailable' });
  });

  test('in long work such a service is an error in the last line', async () => {
    const response = await gateway.post('/v1/rebuild', { check: true });
    expect(response.status).toBe(200);
    expect((await response.text()).trim().split('\n').at(-1)).toContain(
      '{"error":{"code":"unavailable"',
    );
  });

  test('every response has the security headers and a request id', async () => {
    for (const path of ['/', '/healthz', '/v1/nothing', '/page.js']) {
      const { headers } = await gateway.get(path);
      expect(headers.get('content-security-policy')).toContain(`default-src 'none'`);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get('x-powered-by')).toBeNull();
    }
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
    const told = await (await fetch(`${closed.url}/metrics`)).text();
    expect(told).toMatch(/^writ_gateway_refused_total{code="unauthorized"} 5$/m);
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
