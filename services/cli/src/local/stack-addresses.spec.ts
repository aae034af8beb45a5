import { databaseUrlOf, namedServers, withoutSecrets, withToken } from './stack-addresses';

test.each(['writ', 'mysql://db', 'postgres://', 'postgres://a:b%zz@db/x', 'postgres://a b:1x/y'])(
  'DATABASE_URL=%s is refused by name, without its password',
  (DATABASE_URL) => {
    const refused = expect.objectContaining({
      code: 'usage',
      message: expect.stringMatching(/^DATABASE_URL (?!.*%zz)/),
    });
    expect(() => namedServers({ DATABASE_URL })).toThrow(refused);
  },
);

test('NATS_URL is one address, or several', () => {
  expect(() => namedServers({ NATS_URL: '127.0.0.1:4222' })).toThrow('NATS_URL');
  const servers = namedServers({ NATS_URL: 'nats://a:1, tls://b:2', NATS_TOKEN: 't' });
  expect(servers).toEqual({ databaseUrl: '', natsUrl: 'nats://a:1, tls://b:2', natsToken: 't' });
});

test('a service logs in as its own role, whatever the address says besides', () => {
  const url = databaseUrlOf('planner', 'postgres://root:a%2Fb@db:5432/writ?sslmode=require', 'p/w');
  expect(url).toBe('postgres://writ_planner:p%2Fw@db:5432/writ?sslmode=require');
});

test.each([
  ['nats://127.0.0.1:4222', 'secret', 'nats://secret@127.0.0.1:4222'],
  ['nats://a:1,nats://b:2', 'a/b', 'nats://a%2Fb@a:1,nats://a%2Fb@b:2'],
  ['nats://user:pass@a:1', 'secret', 'nats://user:pass@a:1'],
  ['nats://a:1', undefined, 'nats://a:1'],
])('%s with the token %s is %s', (url, token, expected) => {
  expect(withToken(url, token)).toBe(expected);
});

test.each([
  ['postgresql://root:secret@127.0.0.1:5432/writ', 'postgresql://root@127.0.0.1:5432/writ'],
  ['nats://secret@127.0.0.1:4222', 'nats://127.0.0.1:4222'],
  ['nats://user:secret@a:1,nats://secret@b:2', 'nats://a:1,nats://b:2'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
])('%s is shown as %s', (url, expected) => {
  expect(withoutSecrets(url)).toBe(expected);
});
