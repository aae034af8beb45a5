/** Steps that ask somebody over HTTP, here a server of this spec. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunEnded, RunWork } from '@writ/contracts';
import { eventually } from '@writ/testing';
import { MemoryWorld, type MemoryExecutor } from './memory-executor';

let world: MemoryWorld;
let one: MemoryExecutor;
let server: Server;
let url: string;
let asked: { headers: IncomingMessage['headers']; method?: string; body: string }[] = [];
let answer: (response: ServerResponse, nth: number) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => (body += String(piece)));
    request.on('end', () => {
      const { headers, method } = request;
      asked.push({ headers, method, body });
      answer(response, asked.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}/x`;
  world = new MemoryWorld();
  one = await world.open('one', {
    env: {
      WRIT_HTTP_ALLOW: `127.0.0.1:${port}`,
      WRIT_PASS_ENV: 'API_TOKEN,REGION,KNOWN',
      WRIT_SECRET_ENV: 'KNOWN',
      API_TOKEN: 't0ken-t0ken',
      REGION: 'north-by-north',
      KNOWN: 'kn0wn-kn0wn',
      HIDDEN: 'hidden',
    },
  });
});
beforeEach(() => {
  asked = [];
  answer = (response) => response.end('hello');
});
afterAll(async () => {
  await world.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function run(
  more: Partial<Extract<RunWork['adapter'], { kind: 'http' }>>,
  work: Partial<RunWork> = {},
): Promise<RunEnded> {
  const adapter = { kind: 'http', url, ...more } as const;
  const { runId } = await world.start({ adapter, ...work });
  const end = await eventually(async () => (await world.endOf(runId)) ?? false, {
    what: `the end of ${runId}`,
    timeoutMs: 15_000,
  });
  return end as RunEnded;
}
const textOf = async (digest = '') => Buffer.from(await world.content.get(digest)).toString();
const retry = { retries: 2, baseDelayMs: 0 } as RunWork['retry'];

test('the answer is stdout, an artifact where it is asked for, and status and address are kept', async () => {
  answer = (response) => response.setHeader('content-type', 'text/plain').end('hello');
  const end = await run({ body: '{"a":1}', bodyTo: 'out/answer.txt' });
  expect(end).toMatchObject({
    ...{ result: 'success', exitCode: null, stdout: 'hello' },
    metadata: { status: 200, url, contentType: 'text/plain', truncated: false },
    artifacts: [{ path: 'out/answer.txt', bytes: 5 }],
  });
  expect(asked).toMatchObject([{ method: 'POST', body: '{"a":1}' }]);
  expect(asked[0]?.headers['idempotency-key']).toBe(end.runId);
});

test('headers hold variables that are passed on, and nothing of secrets is kept', async () => {
  answer = (response) => response.end(JSON.stringify(asked.at(-1)?.headers));
  const end = await run({
    headers: { Authorization: 'Bearer ${env:API_TOKEN}', 'X-At': '${env:REGION} ${env:KNOWN}' },
  });
  expect(asked[0]?.headers).toMatchObject({
    authorization: 'Bearer t0ken-t0ken',
    'x-at': 'north-by-north kn0wn-kn0wn',
  });
  const kept = `${JSON.stringify(end)}${await textOf(end.transcript)}`;
  expect(kept).not.toContain('t0ken-t0ken');
  expect(kept).not.toContain('kn0wn-kn0wn');
  expect(end.stdout).toContain('Bearer [redacted:API_TOKEN]');
  expect(end.stdout).toContain('north-by-north');
  const file = await run({ headers: { a: '${env:API_TOKEN}' }, bodyTo: 'x' });
  expect(file.error).toMatchObject({ kind: 'output', code: 'secret_in_output' });
});

test('a variable that is not passed on is named, with the cure, and nobody is asked', async () => {
  const end = await run({ headers: { a: '${env:HIDDEN}' } });
  expect(end.error).toMatchObject({ kind: 'invalid', code: 'variable_not_passed' });
  expect(end.error?.message).toContain('WRIT_PASS_ENV');
  expect(asked).toHaveLength(0);
});

test('who is overloaded or away is asked again, not earlier than it says', async () => {
  answer = (response, nth) => {
    if (nth > 1) return response.end('done');
    return response.writeHead(503, { 'retry-after': '1' }).end('later');
  };
  const began = performance.now();
  const end = await run({}, { retry });
  expect(end).toMatchObject({ result: 'success', attempts: [{ retryInMs: 1000 }, {}] });
  expect(end.attempts[0]?.error).toMatchObject({ kind: 'infrastructure', code: 'http_503' });
  expect(performance.now() - began).toBeGreaterThan(990);
  expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
});

test('another status than was expected is a failure at once, as is a body without what was expected', async () => {
  answer = (response) => response.writeHead(404).end('no');
  expect(await run({}, { retry })).toMatchObject({
    ...{ result: 'failed', error: { kind: 'exit', code: 'http_404' }, stdout: 'no' },
  });
  expect(asked).toHaveLength(1);
  expect((await run({ expect: { status: [404] } })).result).toBe('success');
  const end = await run({ expect: { status: 404, bodyIncludes: 'yes' } });
  expect(end.error?.message).toContain('"yes"');
});

test('whoever is not allowed is not asked, too much is refused, and silence is a timeout', async () => {
  const refused = await run({ url: 'http://127.0.0.1:1/' }, { retry });
  expect(refused).toMatchObject({ error: { kind: 'invalid', code: 'http_refused' } });
  answer = (response) => response.end('x'.repeat(2000));
  const large = await run({ maxBytes: 1000 });
  expect(large.error).toMatchObject({ kind: 'output', code: 'too_large' });
  answer = () => undefined;
  const silent = await run({}, { timeoutMs: 200 });
  expect(silent).toMatchObject({ result: 'timed_out', error: { kind: 'timeout' } });
});

test('a request under way ends when its step is cancelled', async () => {
  answer = () => undefined;
  const { runId } = await world.start({ adapter: { kind: 'http', url } });
  await eventually(() => asked.length === 1, { what: 'the request' });
  one.active.cancel(runId);
  const end = await eventually(async () => (await world.endOf(runId)) ?? false, {
    what: 'its end',
  });
  expect(end).toMatchObject({ result: 'cancelled' });
});
