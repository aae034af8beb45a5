import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CheckOf } from '@writ/contracts';
import { AllowList, Outbound } from '@writ/outbound-http';
import { checkHttp } from './check-http';
import { CheckTrouble, type CheckContext } from './verdict';

let server: Server;
let url: string;
let listener: RequestListener;
beforeEach(async () => {
  listener = (request, response) => void request.pipe(response);
  server = createServer((request, response) => listener(request, response));
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const outbound = new Outbound(new AllowList(['127.0.0.1']));
const ask = (more: Partial<CheckOf<'http'>> = {}, from = outbound) => {
  const signal = new AbortController().signal;
  const context = { signal, ask: (request) => from.request(request) } as CheckContext;
  return checkHttp({ kind: 'http', url, ...more }, context);
};

it('passes for the answer that is expected, and keeps what was asked and said', async () => {
  const expected = { status: 200, bodyIncludes: 'fine', bodyMatches: '"state":\\s*"fine"' };
  const verdict = await ask({ body: '{"state": "fine"}', expect: expected });
  expect(verdict).toEqual({
    outcome: 'passed',
    message: `${url} answered with status 200`,
    log: `POST ${url}\n\n200 from ${url}\n{"state": "fine"}\n`,
  });
});

it('fails for another answer', async () => {
  listener = (_, response) => response.writeHead(503).end('down');
  expect(await ask()).toMatchObject({
    outcome: 'failed',
    message: `${url} answered with status 503, not 2xx`,
  });
});

it('keeps of headers their names', async () => {
  const headers = { authorization: 'Bearer canary' };
  const { log } = await ask({ headers, body: 'you sent Bearer canary' });
  expect(log).toContain('you sent [redacted]');
  expect(log).toContain('authorization: [redacted]');
  expect(log).not.toContain('canary');
});

it.each([
  ['nobody is there', { url: 'http://127.0.0.1:1/' }, /there was no answer from 127.0.0.1:1/],
  ['it takes too long', { timeoutMs: 50 }, /no whole answer within 50 ms/],
  ['it may not be asked', { url: 'http://127.0.0.2/' }, /may not be asked; WRIT_HTTP_ALLOW/],
  ['the expression is none', { expect: { bodyMatches: '(' } }, /the expression "\("/],
])('could not run when %s', async (_, more, message) => {
  if ('timeoutMs' in more) listener = () => undefined;
  await expect(ask(more)).rejects.toThrow(CheckTrouble);
  await expect(ask(more)).rejects.toThrow(message);
});
