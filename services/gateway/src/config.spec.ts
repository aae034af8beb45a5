import { readConfig } from './config';

const least = { NATS_URL: 'nats://127.0.0.1:4222' };
const token = 'a-token-of-some-length';

test('loopback is served without a token, whichever way it is written', () => {
  for (const HTTP_HOST of ['127.0.0.1', 'localhost', '::1']) {
    expect(readConfig({ ...least, HTTP_HOST }).HTTP_HOST).toBe(HTTP_HOST);
  }
});

test('anything that others can reach needs a token', () => {
  for (const HTTP_HOST of ['0.0.0.0', '::', '192.168.1.1', 'writ.example']) {
    expect(() => readConfig({ ...least, HTTP_HOST })).toThrow('WRIT_TOKEN is not set');
    expect(readConfig({ ...least, HTTP_HOST, WRIT_TOKEN: token }).WRIT_TOKEN).toBe(token);
  }
});

test('every bad variable is named at once, a secret without its value', () => {
  const env = { HTTP_PORT: 'x', WRIT_TOKEN: 'short' };
  expect(() => readConfig(env)).toThrow(/NATS_URL[^]*HTTP_PORT is "x"[^]*WRIT_TOKEN/);
  expect(() => readConfig(env)).not.toThrow('short:');
});
