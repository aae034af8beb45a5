import type { IncomingMessage } from 'node:http';

import { isLoopbackHost, refuseAccess } from './access';

const TOKEN = 'a-token-of-some-length';

function ask(headers: Record<string, string>, over: Partial<IncomingMessage> = {}) {
  return { method: 'GET', url: '/v1/directives', headers, ...over } as IncomingMessage;
}
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test.each([
  ['127.0.0.1:8080', true],
  ['127.9.9.9', true],
  ['localhost', true],
  ['LOCALHOST:1', true],
  ['[::1]:80', true],
  ['evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example:80', false],
  ['192.168.1.1', false],
  ['[::2]', false],
  ['127.0.0.1:80:80', false],
  ['', false],
])('the host %j is loopback: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});

test('without a token a foreign host name is refused, as in DNS rebinding', () => {
  expect(refuseAccess(ask({ host: 'evil.example' }))?.code).toBe('forbidden');
  expect(refuseAccess(ask({ host: '127.0.0.1:1234' }))).toBeUndefined();
});

test.each([
  ['another origin', { origin: 'http://evil.example' }],
  ['another port of this host', { origin: 'http://127.0.0.1:9999' }],
  ['an opaque origin', { origin: 'null' }],
  ['a cross-site fetch', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
  [
    'a same-site fetch of another port',
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' },
  ],
  [
    'a frame',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
  ],
])('%s is refused, even with the token', (_, headers) => {
  const host = '127.0.0.1:8080';
  expect(refuseAccess(ask({ host, ...headers }))?.code).toBe('forbidden');
  const authorization = `Bearer ${TOKEN}`;
  expect(refuseAccess(ask({ host, authorization, ...headers }), TOKEN)?.code).toBe('forbidden');
});

test('the own page may call, and a link from elsewhere may be followed', () => {
  const host = '127.0.0.1:8080';
  const own = { host, origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' };
  const link = {
    ...{ host, 'sec-fetch-site': 'cross-site' },
    ...{ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  };
  expect(refuseAccess(ask(own, { method: 'POST' }))).toBeUndefined();
  expect(refuseAccess(ask(link))).toBeUndefined();
  expect(refuseAccess(ask(link, { method: 'POST' }))?.code).toBe('forbidden');
});

test.each([
  ['nothing', undefined, 'unauthorized'],
  ['a wrong token', 'Bearer wrong', 'unauthorized'],
  ['an empty token', 'Bearer ', 'unauthorized'],
  ['the token under another scheme', `Digest ${TOKEN}`, 'unauthorized'],
  ['the token as a user name', basic(`${TOKEN}:x`), 'unauthorized'],
  ['the token', `Bearer ${TOKEN}`, undefined],
  ['the token as a password', basic(`anybody:${TOKEN}`), undefined],
])('with a token set, %s gives %s', (_, authorization, code) => {
  const headers = { host: 'writ.example', ...(authorization ? { authorization } : {}) };
  expect(refuseAccess(ask(headers), TOKEN)?.code).toBe(code);
});

test('health and metrics need no token', () => {
  for (const url of ['/healthz', '/readyz', '/metrics', '/metrics?x=1']) {
    expect(refuseAccess(ask({ host: 'writ.example' }, { url }), TOKEN)).toBeUndefined();
  }
  for (const url of ['/', '/healthz/../v1/events', '/metricsx']) {
    expect(refuseAccess(ask({ host: 'writ.example' }, { url }), TOKEN)?.code).toBe('unauthorized');
  }
});
