import { type CloudEvent, HTTP } from 'cloudevents';
import { attributesOf, decodeValue, encodeValue, headersOf, replyToOf } from './cloud-events';
import { headerBlock } from './nats-wire';

const outgoing = {
  subject: 'writ.event.run.r1.RunEnded',
  dataText: '{"result":"success"}',
  attributes: {
    id: '0197c2f0-0000-7000-8000-000000000001',
    type: 'writ.run.RunEnded',
    source: '/writ/executor',
    subject: 'run-r1',
    time: '2026-01-02T03:04:05.678Z',
    correlationId: 'directive1',
    actor: { kind: 'service' as const, id: 'executor' },
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    position: 12,
    version: 3,
    schemaVersion: 1,
  },
};
const lowerCase = (headers: Iterable<[string, string]>) =>
  new Map([...headers].map(([name, value]) => [name.toLowerCase(), value]));

describe('a message of Writ', () => {
  it('is a CloudEvent as the SDK reads one', () => {
    const headers = Object.fromEntries(headersOf(outgoing));
    const event = HTTP.toEvent({ headers, body: outgoing.dataText }) as CloudEvent;
    expect(event.validate()).toBe(true);
    expect(event).toMatchObject({
      specversion: '1.0',
      id: outgoing.attributes.id,
      type: 'writ.run.RunEnded',
      source: '/writ/executor',
      subject: 'run-r1',
      time: '2026-01-02T03:04:05.678Z',
      datacontenttype: 'application/json',
      data: { result: 'success' },
      position: '12',
      streamversion: '3',
      schemaversion: '1',
      correlationid: 'directive1',
      actor: 'service:executor',
    });
  });

  it('reads back as it was written', () => {
    const headers = lowerCase(headersOf(outgoing));
    expect(attributesOf(headers, outgoing.subject, () => 'x')).toEqual(outgoing.attributes);
  });

  it('has the id of the event as its message id, or another', () => {
    expect(headersOf(outgoing).get('Nats-Msg-Id')).toBe(outgoing.attributes.id);
    expect(headersOf({ ...outgoing, messageId: 'm' }).get('Nats-Msg-Id')).toBe('m');
  });

  it('that the SDK writes is read', () => {
    const theirs = {
      'content-type': 'application/json; charset=utf-8',
      'ce-id': 'theirs',
      'ce-time': '2026-01-02T03:04:05.678Z',
      'ce-type': 'com.example.asked',
      'ce-source': '/elsewhere',
      'ce-specversion': '1.0',
    };
    const attributes = attributesOf(new Map(Object.entries(theirs)), 'a.b', () => 'x');
    expect(attributes).toMatchObject({ id: 'theirs', type: 'com.example.asked' });
  });
});

describe('a header value', () => {
  it.each([
    ['plain-Text_1.2:3/4', 'plain-Text_1.2:3/4'],
    ['50 % of "all"', '50%20%25%20of%20%22all%22'],
    ['Zoë 🙂', 'Zo%C3%AB%20%F0%9F%99%82'],
    ['line\r\nbreak\u0000', 'line%0D%0Abreak%00'],
  ])('travels as printable ASCII and comes back: %j', (value, encoded) => {
    expect(encodeValue(value)).toBe(encoded);
    expect(decodeValue(encoded)).toBe(value);
  });

  it('survives what is no text, and what was never encoded', () => {
    expect(encodeValue('a\ud800b')).toBe('a%EF%BF%BDb');
    expect(decodeValue('100%')).toBe('100%');
  });

  it('cannot smuggle in a header of its own', () => {
    const outgoingWith = { ...outgoing, replyTo: 'a\r\nce-actor: person:root' };
    const text = Buffer.from(headerBlock(headersOf(outgoingWith))).toString();
    expect(text.match(/ce-actor/g)).toHaveLength(2); // one of them inside an encoded value
    expect(text).toContain('writ-reply-to: a%0D%0Ace-actor:%20person:root');
    expect(() => headerBlock(new Map([['x', 'a\nb']]))).toThrow(/line break/);
  });

  it('that names a reply subject must be one', () => {
    expect(replyToOf(new Map([['writ-reply-to', '_INBOX.a.1']]))).toBe('_INBOX.a.1');
    expect(replyToOf(new Map([['writ-reply-to', '']]))).toBeUndefined();
    for (const bad of ['a b', 'a.*', '>', '$JS.API.INFO', 'writ.work.echo', 'a..b', '.a']) {
      expect(() => replyToOf(new Map([['writ-reply-to', bad]]))).toThrow(/writ-reply-to/);
    }
  });
});
