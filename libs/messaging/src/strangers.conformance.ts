/** Messages that do not fit, and messages of clients that know nothing of Writ. */
import { TerminalError } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { Incoming } from './bus';
import { anything, letterFor, someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import type { BusWorld } from './bus-world.conformance';

export function conformsWithStrangers({ connect, publishRaw }: BusWorld): void {
  describe('a message that does not fit', () => {
    it('is answered with what is wrong, kept, and not tried', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      let tries = 0;
      const parse = () => {
        const issues = [{ path: ['chain', 0, 'name'], message: 'is not kebab-case' }];
        throw Object.assign(new Error('[...]'), { name: 'ZodError', issues });
      };
      await bus.consume(consumer, { parse, concurrency: 1 }, async () => (tries += 1));
      const answer = await bus.ask(someMessage(subjectOf(consumer)), 5_000);
      expect(answer).toMatchObject({
        ok: false,
        error: {
          code: 'malformed',
          message: expect.stringContaining('/chain/0/name: is not kebab-case'),
          details: [{ message: 'is not kebab-case' }],
        },
      });
      const [letter] = await bus.deadLetters.list({ limit: 1 });
      expect(letter).toMatchObject({ reason: 'malformed', consumer: consumer.name });
      expect(tries).toBe(0);
    });

    it('is told apart when its subject means nothing to the consumer', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const parse = (_: unknown, subject: string) => {
        throw new TerminalError('unknown-subject', `there is no command ${subject}`);
      };
      await bus.consume(consumer, { parse, concurrency: 1 }, async () => undefined);
      const answer = await bus.ask(someMessage(subjectOf(consumer)), 5_000);
      expect(answer).toMatchObject({ ok: false, error: { code: 'unknown-subject' } });
      const [letter] = await bus.deadLetters.list({ limit: 1 });
      expect(letter?.reason).toBe('unknown-subject');
    });

    it.each([
      ['nothing', Buffer.alloc(0)],
      ['truncated JSON', Buffer.from('{"a":')],
      ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
      ['a raw NUL', Buffer.from('{"a":"\u0000"}')],
      ['10,000 levels', Buffer.from('['.repeat(10_000) + ']'.repeat(10_000))],
      ['a key __proto__', Buffer.from('{"a":{"__proto__":{"admin":true}}}')],
      ['an escaped key __proto__', Buffer.from('{"\\u005f_pr\\u006fto__":{"admin":true}}')],
      ['constructor.prototype', Buffer.from('{"constructor":{"prototype":{"admin":true}}}')],
    ])('is no danger when it is %s', async (_, body) => {
      const bus = await connect();
      const consumer = someConsumer();
      const heard: unknown[] = [];
      await bus.consume(consumer, anything(), async ({ data }) => heard.push(data));
      await publishRaw(subjectOf(consumer), body);
      await bus.send(someMessage(subjectOf(consumer), 'sound'));
      await eventually(() => heard.length === 1, { what: 'the sound message' });
      const letter = await letterFor(bus, consumer);
      expect(letter.reason).toBe('malformed');
      expect(Buffer.from(letter.bodyBase64!, 'base64').equals(body)).toBe(true);
      expect(heard).toEqual(['sound']);
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
    });

    it.each([
      ['ce-specversion', '2.0'],
      ['ce-position', '-1'],
      ['ce-actor', 'robot:r2'],
      ['writ-reply-to', '$JS.API.STREAM.DELETE.WRIT_WORK'],
      ['writ-reply-to', 'writ.command.directive.stop'],
      ['ce-dataref', '../../etc/passwd'],
    ])('is refused for its header %s: %s', async (name, value) => {
      const bus = await connect();
      const consumer = someConsumer();
      await bus.consume(consumer, anything(), async () => undefined);
      await publishRaw(subjectOf(consumer), Buffer.from('{}'), { [name]: value });
      const letter = await letterFor(bus, consumer);
      expect(letter).toMatchObject({ reason: 'malformed' });
      expect(letter.error.message).toContain(name);
    });
  });

  describe('a message of a stranger', () => {
    it('needs no headers: its id is the same on each delivery, and its own', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const ids: string[] = [];
      await bus.consume(consumer, anything(), async ({ attributes, deliveryCount }) => {
        ids.push(attributes.id);
        if (deliveryCount === 1) throw new Error('once more');
      });
      await publishRaw(subjectOf(consumer), Buffer.from('{}'));
      await eventually(() => ids.length === 2, { what: 'two deliveries' });
      await publishRaw(subjectOf(consumer), Buffer.from('{}'));
      await eventually(() => ids.length === 4, { what: 'four deliveries' });
      expect(ids[0]).toBe(ids[1]);
      expect(ids[2]).toBe(ids[3]);
      expect(ids[0]).not.toBe(ids[2]);
    });

    it('may name its message by Nats-Msg-Id, write headers as it likes, or send one envelope', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const heard: Incoming[] = [];
      await bus.consume(consumer, anything(), async (message) => heard.push(message));
      const subject = subjectOf(consumer);
      await publishRaw(subject, Buffer.from('1'), { 'Nats-Msg-Id': `${subject}-1` });
      await publishRaw(subject, Buffer.from('2'), { 'CE-Id': 'two', 'Ce-Type': 'theirs' });
      const envelope = { specversion: '1.0', id: 'three', type: 'theirs', source: '/a', data: 3 };
      await publishRaw(subject, Buffer.from(JSON.stringify(envelope)), {
        'Content-Type': 'application/cloudevents+json; charset=utf-8',
      });
      await eventually(() => heard.length === 3, { what: 'three messages' });
      const seen = heard.map(({ data, attributes }) => [data, attributes.id, attributes.type]);
      expect(seen.sort()).toEqual([
        [1, `${subject}-1`, subject],
        [2, 'two', 'theirs'],
        [3, 'three', 'theirs'],
      ]);
    });
  });
}
