import { EVENT_LIMIT } from '@writ/contracts';
import type { Overheard } from '@writ/messaging';
import { keyOf, readMessage } from './read-message';

const now = '2026-01-01T00:00:00Z';
const message = (body: string | Uint8Array, more: Partial<Overheard> = {}): Overheard => ({
  subject: 'orders.1',
  headers: new Map(),
  body: typeof body === 'string' ? Buffer.from(body) : body,
  ...more,
});
const trigger = (variablesFrom: Record<string, string> = {}) =>
  ({ kind: 'subject', subject: 'orders.>', variablesFrom }) as const;
const headers = (given: Record<string, string>) => new Map(Object.entries(given));
const variables = (body: string, from: Record<string, string>) =>
  readMessage(trigger(from), message(body), now).occurrence.variables;

describe('a message is the same as another', () => {
  const id = { 'nats-msg-id': 'm', 'ce-id': 'c', 'ce-source': '/s' };
  const { 'nats-msg-id': _, ...ce } = id;

  it.each([
    ['by its message id', { headers: headers(id), origin: 'O-1-2' }, 'message-id:m'],
    ['by source and id of its event', { headers: headers(ce), origin: 'O-1-2' }, 'ce:/s c'],
    ['by its place in a stream', { origin: 'O-1-2' }, 'sequence:O-1-2'],
  ])('%s', (_how, more, key) => expect(keyOf(message('x', more))).toBe(key));

  it('by subject and words, when it has nothing else', () => {
    const key = keyOf(message('x'));
    expect(key).toMatch(/^digest:[0-9a-f]{64}$/);
    expect(keyOf(message('x'))).toBe(key);
    expect(keyOf(message('y'))).not.toBe(key);
    expect(keyOf(message('x', { subject: 'orders.2' }))).not.toBe(key);
  });

  it('by the digest of an id that is too long to keep', () => {
    const long = (end: string) =>
      keyOf(message('', { headers: headers({ 'ce-id': 'x'.repeat(900) + end }) }));
    expect(long('a').length).toBeLessThan(100);
    expect(long('a')).not.toBe(long('b'));
  });
});

describe('what a directive sees of a message', () => {
  it('is its text, and text and numbers at places of its JSON', () => {
    const body = '{"order":{"id":"A1","a/b":7},"lines":[{"sku":"x"}]}';
    const from = { id: '/order/id', n: '/order/a~1b', sku: '/lines/0/sku' };
    expect(variables(body, from)).toEqual({
      ...{ event: body, scheduledFor: now },
      ...{ id: 'A1', n: '7', sku: 'x' },
    });
  });

  it('is nothing of what is neither, is not there, or is not its own', () => {
    const from = { a: '/a', b: '/b/c', c: '/constructor/name', whole: '' };
    expect(variables('{"a":{"x":1},"b":null}', from)).toEqual({
      event: '{"a":{"x":1},"b":null}',
      scheduledFor: now,
    });
    expect(variables('no JSON', { a: '/a' })).toEqual({ event: 'no JSON', scheduledFor: now });
  });

  it.each([
    ['is too large', Buffer.alloc(EVENT_LIMIT + 1, 'x')],
    ['is no text', new Uint8Array([0xff, 0xfe])],
    ['holds a NUL byte', Buffer.from('a\0b')],
  ])('is nothing when it %s, and that is told', (_why, body) => {
    const { problem, occurrence } = readMessage(trigger(), message(body), now);
    expect(problem).toMatchObject({ reason: 'unreadable' });
    expect(occurrence.variables).toMatchObject({ event: '' });
  });
});
