import { AllowList } from './allow-list';

const allows = (entries: string, name: string, address: string, port = 80) =>
  new AllowList(entries.split(',')).allows(name, address, port);

test.each([
  '127.0.0.1',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  'fe80::1',
  'fd00::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  'ff02::1',
])('%s is no public address', (address) => {
  expect(allows('public', 'any.example', address)).toBe(false);
});

test.each(['8.8.8.8', '172.32.0.1', '192.169.0.1', '2606:4700::1'])(
  '%s is a public address',
  (address) => expect(allows('public', 'any.example', address)).toBe(true),
);

test.each([
  // entries, name, address, port, allowed
  ['127.0.0.1:8080', '127.0.0.1', '127.0.0.1', 8080, true],
  ['127.0.0.1:8080', '127.0.0.1', '127.0.0.1', 8081, false],
  ['127.0.0.1:8080', 'localhost', '127.0.0.1', 8080, true],
  ['127.0.0.1:8080', 'api.example', '8.8.8.8', 8080, false],
  ['127.0.0.1', '127.0.0.1', '127.0.0.1', 1, true],
  ['10.0.0.0/8', 'db.internal', '10.9.8.7', 80, true],
  ['10.0.0.0/8:443', 'db.internal', '10.9.8.7', 443, true],
  ['10.0.0.0/8:443', 'db.internal', '10.9.8.7', 80, false],
  ['[::1]:8080', '::1', '::1', 8080, true],
  ['[::1]:8080', '::1', '::1', 8081, false],
  ['::1', '::1', '::1', 8080, true],
  ['fd00::/8', 'x', 'fd12::1', 80, true],
  ['db.internal', 'db.internal', '10.0.0.1', 80, true],
  ['DB.internal:5000', 'db.internal.', '10.0.0.1', 5000, true],
  ['db.internal', 'other.internal', '10.0.0.1', 80, false],
  ['db.internal', 'x.db.internal', '10.0.0.1', 80, false],
  ['*.example.org', 'api.example.org', '8.8.8.8', 80, true],
  ['*.example.org', 'example.org', '8.8.8.8', 80, false],
  ['*.example.org', 'api.example.org', '127.0.0.1', 80, false],
  ['*.example.org', 'evil-example.org', '8.8.8.8', 80, false],
  ['public:443', 'x', '8.8.8.8', 443, true],
  ['public:443', 'x', '8.8.8.8', 80, false],
  ['public,127.0.0.1:9', 'x', '8.8.8.8', 80, true],
] as const)('with %s, %s at %s port %s: %s', (entries, name, address, port, allowed) => {
  expect(allows(entries, name, address, port)).toBe(allowed);
});

test.each(['', 'http://x', 'a b', '10.0.0.0/33', '127.0.0', 'x:70000', '*.*', '10.0.0.0/', '*'])(
  'what is no entry is refused by name: %p',
  (entry) => expect(() => new AllowList([entry])).toThrow(/names no address: say public/),
);
