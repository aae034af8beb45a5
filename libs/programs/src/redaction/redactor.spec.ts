import * as fc from 'fast-check';
import { needlesOf, knownSecrets } from './secrets';
import { Redactor, redactText, secretIn } from './redactor';

const value = 'c4n4ry/Value+with "quotes" & ünïcode\n!';
const needles = needlesOf([{ name: 'CANARY', value }]);

function clean(pieces: readonly Buffer[], patterns = true): string {
  const redactor = new Redactor({ needles, patterns });
  return Buffer.concat([...pieces.map((it) => redactor.push(it)), redactor.flush()]).toString();
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nABCDEF\n-----END RSA PRIVATE KEY-----';
const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${'a1b2'.repeat(6)}`;

const forms: Record<string, string> = {
  'as it is': value,
  'JSON-escaped': JSON.stringify(value),
  'JSON-escaped twice over a log line': JSON.stringify({ message: value }),
  'URL-escaped': encodeURIComponent(value),
  'URL-escaped in a form': encodeURIComponent(value).replace(/%20/g, '+'),
  'URL-escaped in lower case': encodeURIComponent(value).replace(/%[0-9A-F]{2}/g, (it) =>
    it.toLowerCase(),
  ),
  'base64 at offset 0': base64(value),
  'base64 at offset 1': base64(`x${value} tail`),
  'base64 at offset 2': base64(`xy${value} tail`),
  'base64 for URLs': Buffer.from(`xy${value}`).toString('base64url'),
};

test.each(Object.keys(forms))('a known value is taken out %s', (form) => {
  const text = `before ${forms[form]} after`;
  const cleaned = clean([Buffer.from(text)]);
  expect(cleaned).toContain('[redacted:CANARY]');
  expect(cleaned).toMatch(/^before .* after$/s);
  expect(secretIn(Buffer.from(text), needles)).toBe('CANARY');
  expect(secretIn(Buffer.from(cleaned), needles)).toBeUndefined();
});

const patterned: Record<string, string> = {
  'aws-key': 'AKIAIOSFODNN7EXAMPLE',
  'github-token': `ghp_${'a1B2'.repeat(9)}`,
  'anthropic-key': `sk-ant-api03-${'x_Y-9'.repeat(8)}`,
  'openai-key': `sk-proj-${'aB3_'.repeat(10)}`,
  jwt,
  'private-key': pem,
};

test.each(Object.keys(patterned))('what looks like a secret goes by its form: %s', (name) => {
  expect(clean([Buffer.from(`key="${patterned[name]}" rest`)])).toBe(
    `key="[redacted:${name}]" rest`,
  );
});

test('where the stream is cut changes nothing', () => {
  const text = `start ${value} ${Object.values(forms).join(' ')} ${Object.values(patterned).join(' ')} end`;
  const bytes = Buffer.from(text);
  const whole = clean([bytes]);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (places) => {
      const cuts = [0, ...places.sort((a, b) => a - b), bytes.length];
      const pieces = cuts.slice(1).map((to, index) => bytes.subarray(cuts[index], to));
      expect(clean(pieces)).toBe(whole);
    }),
    { numRuns: 300 },
  );
  expect(clean([...bytes].map((byte) => Buffer.from([byte])))).toBe(whole);
});

test('a secret whose end looks like its beginning is not cut in two', () => {
  const selfish = needlesOf([{ name: 'SELF', value: 'abc1abc1abc1' }]);
  const redactor = new Redactor({ needles: selfish, patterns: true });
  const pieces = ['x abc1abc1abc1', ' abc1', 'abc1abc1', 'abc1 y'].map((it) => Buffer.from(it));
  const out = Buffer.concat([...pieces.map((it) => redactor.push(it)), redactor.flush()]);
  expect(out.toString()).toBe('x [redacted:SELF] [redacted:SELF]abc1 y');
});

test('bytes that are no secret come out as they went in, text or not', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (pieces) => {
      const redactor = new Redactor({ needles, patterns: true });
      const out = Buffer.concat([...pieces.map((it) => redactor.push(it)), redactor.flush()]);
      expect(out.equals(Buffer.concat(pieces))).toBe(true);
    }),
  );
});

test('nothing but a possible beginning of a secret is held back', () => {
  const redactor = new Redactor({ needles, patterns: true });
  expect(redactor.push(Buffer.from('Continue? [y/N] ')).toString()).toBe('Continue? [y/N] ');
  expect(redactor.push(Buffer.from('......')).toString()).toBe('......');
  expect(redactor.push(Buffer.from('word c4n4')).toString()).toBe('word ');
  expect(redactor.push(Buffer.from('stop')).toString()).toBe('c4n4stop');
});

test('after a gap the end of a cut secret goes too', () => {
  const redactor = new Redactor({ needles, patterns: true });
  redactor.push(Buffer.from('text '));
  redactor.gap();
  const out = redactor.push(Buffer.from(`${value.slice(9)} and more\n`)).toString();
  expect(out).toBe(' and more\n');
});

test('a key in PEM without an end is dropped to the end, however long it is', () => {
  const endless = `-----BEGIN PRIVATE KEY-----\n${'QUJD'.repeat(100_000)}`;
  const pieces = endless.match(/[\s\S]{1,10000}/g)?.map((it) => Buffer.from(it)) ?? [];
  expect(clean(pieces)).toBe('[redacted:private-key]');
  const after = [...pieces, Buffer.from('\n-----END PRI'), Buffer.from('VATE KEY-----\nafter')];
  expect(clean(after)).toBe('[redacted:private-key]\nafter');
});

test('ordinary words are left alone', () => {
  const text = 'a risk-averse task-management eyJust AKIA sk-ip-this-one github_pat_ ghp_short';
  expect(redactText(text, { needles, patterns: true })).toBe(text);
});

test('files are searched for known values only', () => {
  expect(clean([Buffer.from(jwt)], false)).toBe(jwt);
});

test('the secrets of a process are named variables and the passwords inside addresses', () => {
  const env = {
    TOKEN: 'tok-en-value',
    EMPTY: '',
    DATABASE_URL: 'postgres://writ_executor:p%40ssw0rd!@127.0.0.1:5432/writ',
    OTHER_URL: 'postgres://writ:writ@127.0.0.1/writ',
  };
  expect(knownSecrets(env, ['TOKEN', 'EMPTY', 'MISSING'], ['DATABASE_URL', 'OTHER_URL'])).toEqual([
    { name: 'TOKEN', value: 'tok-en-value' },
    { name: 'DATABASE_URL password', value: 'p@ssw0rd!' },
  ]);
});

test('a value too short to be told from ordinary text is not searched for', () => {
  expect(needlesOf([{ name: 'SHORT', value: 'writ' }])).toEqual([]);
});
