/** Messages arrive, and come again when their reaction fails. */
import { randomUUID } from 'node:crypto';
import { TerminalError, Unavailable, VersionConflict } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { Incoming } from './bus';
import { anything, someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import type { BusWorld } from './bus-world.conformance';

export function conformsInDelivery({ connect }: BusWorld): void {
  describe('delivery', () => {
    it('brings a message with its data and attributes', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const heard: Incoming[] = [];
      await bus.consume(consumer, anything(), async (message) => heard.push(message));
      const attributes = {
        id: randomUUID(),
        type: 'writ.run.RunEnded',
        source: '/writ/executor',
        subject: 'run-1',
        time: '2026-01-02T03:04:05.678901Z',
        correlationId: 'directive1',
        causationId: 'cause',
        commandId: 'command',
        actor: { kind: 'person' as const, id: 'Zoë "50 %" Müller' },
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        position: 12,
        version: 3,
        schemaVersion: 1,
      };
      const data = { text: 'line\nbreak, \u0000, emoji 🙂', list: [1, null] };
      await bus.send({ subject: subjectOf(consumer), dataText: JSON.stringify(data), attributes });
      await eventually(() => heard.length === 1, { what: 'the message' });
      expect(heard[0]).toMatchObject({ data, attributes, deliveryCount: 1 });
      expect(heard[0]?.subject).toBe(subjectOf(consumer));
    });

    it('keeps what is sent until somebody consumes', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      await bus.send(someMessage(subjectOf(consumer), 1));
      const heard: unknown[] = [];
      await bus.consume(consumer, anything(), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the message' });
    });

    it('hears by wildcard, and nothing beside it', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const name = consumer.name;
      const heard: string[] = [];
      const filtered = { ...consumer, subject: `writ.work.${name}.*.ended` };
      await bus.consume(filtered, anything(), async ({ subject }) => heard.push(subject));
      const subjects = ['a.ended', 'a.started', 'a.b.ended', 'ended', 'b.ended'];
      for (const last of subjects) await bus.send(someMessage(`writ.work.${name}.${last}`));
      const expected = [`writ.work.${name}.a.ended`, `writ.work.${name}.b.ended`];
      await eventually(() => expect(heard.sort()).toEqual(expected), { what: 'two messages' });
    });

    it('drops a message that was sent with the same id before', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const heard: unknown[] = [];
      await bus.consume(consumer, anything(), async ({ data }) => heard.push(data));
      const id = randomUUID();
      await bus.send(someMessage(subjectOf(consumer), 'first', id));
      await bus.send(someMessage(subjectOf(consumer), 'again', id));
      await bus.send({ ...someMessage(subjectOf(consumer), 'other', id), messageId: `${id}-2` });
      await eventually(() => heard.length >= 2, { what: 'two messages' });
      expect(heard.sort()).toEqual(['first', 'other']);
    });

    it('refuses a subject that nobody can publish to', async () => {
      const bus = await connect();
      for (const subject of ['writ.work.a b', 'writ.work.*', 'writ..work', 'writ.work.a\r\nPING']) {
        await expect(bus.send(someMessage(subject))).rejects.toThrow(TerminalError);
      }
    });
  });

  describe('a reaction that fails', () => {
    it('gets its message again, later each time', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const at: number[] = [];
      const counts: number[] = [];
      await bus.consume(consumer, anything(), async ({ deliveryCount }) => {
        at.push(performance.now());
        counts.push(deliveryCount);
        if (at.length < 4) throw new Error('not yet');
      });
      await bus.send(someMessage(subjectOf(consumer)));
      await eventually(() => at.length === 4, { what: 'the fourth delivery' });
      expect(counts).toEqual([1, 2, 3, 4]);
      const delays = at.slice(1).map((time, index) => time - at[index]!);
      // Never earlier than it was told, however late on a busy machine.
      for (const [index, least] of [75, 150, 300].entries()) {
        expect(delays[index]).toBeGreaterThan(least - 2);
      }
    });

    it('gets it again sooner when somebody else was first', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const ended: unknown[] = [];
      await bus.consume(consumer, anything(), async ({ data, deliveryCount }) => {
        if (deliveryCount === 4) return ended.push(data);
        throw data === 'raced' ? new VersionConflict('run-1', 1, 2) : new Error('not yet');
      });
      await bus.send(someMessage(subjectOf(consumer), 'failed'));
      await bus.send(someMessage(subjectOf(consumer), 'raced'));
      await eventually(() => ended.length === 2, { what: 'both' });
      expect(ended).toEqual(['raced', 'failed']);
    });

    it('keeps its message while what all work stands on is away, and that counts for nothing', async () => {
      const bus = await connect();
      const consumer = someConsumer({ maxDeliver: 1 });
      const counts: number[] = [];
      let isAway = true;
      await bus.consume(consumer, anything(), async ({ deliveryCount }) => {
        counts.push(deliveryCount);
        if (isAway && counts.length === 4) isAway = false;
        else if (isAway) throw new Unavailable('the database is away');
        return { ok: true, tries: counts.length };
      });
      const answer = await bus.ask(someMessage(subjectOf(consumer)), 20_000);
      expect(answer).toEqual({ ok: true, tries: 4 });
      expect(counts).toEqual([1, 1, 1, 1]);
    });

    it('lets no more in than it may begin while that is away', async () => {
      const bus = await connect();
      const consumer = someConsumer({ maxDeliver: 1 });
      const begun = new Map<unknown, number>();
      let isAway = true;
      await bus.consume(consumer, anything(2), async ({ data }) => {
        begun.set(data, (begun.get(data) ?? 0) + 1);
        if (isAway) throw new Unavailable('the database is away');
      });
      for (const n of [1, 2, 3, 4, 5]) await bus.send(someMessage(subjectOf(consumer), n));
      const tried = () => [...begun.values()].every((tries) => tries >= 3) && begun.size >= 2;
      await eventually(tried, { what: 'the third try of each' });
      expect(begun.size).toBe(2);
      isAway = false;
      await eventually(() => begun.size === 5, { what: 'the others' });
    });

    it('gives its message to another when its process stops meanwhile', async () => {
      const leaving = await connect('leaving');
      const consumer = someConsumer({ maxDeliver: 1 });
      let tries = 0;
      await leaving.consume(consumer, anything(), async () => {
        tries += 1;
        throw new Unavailable('the database is away');
      });
      await leaving.send(someMessage(subjectOf(consumer), 'precious'));
      await eventually(() => tries > 1, { what: 'the second try' });
      await leaving.drain(5_000);
      const staying = await connect('staying');
      const heard: unknown[] = [];
      await staying.consume(consumer, anything(), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the message' });
      expect(heard).toEqual(['precious']);
    });

    it('loses its message to the dead letters after the last delivery, whole', async () => {
      const bus = await connect();
      const consumer = someConsumer({ maxDeliver: 2 });
      let tries = 0;
      await bus.consume(consumer, anything(), async () => {
        tries += 1;
        throw new Error('the disk is full');
      });
      const message = someMessage(subjectOf(consumer), { step: 'a' });
      const answer = await bus.ask(message, 5_000);
      expect(answer).toMatchObject({
        ok: false,
        error: { code: 'exhausted', message: 'the disk is full' },
      });
      const [letter] = await bus.deadLetters.list({ limit: 1 });
      expect(letter).toMatchObject({
        reason: 'exhausted',
        error: { name: 'Error', message: 'the disk is full' },
        subject: message.subject,
        deliveryCount: 2,
        consumer: consumer.name,
      });
      expect(letter?.headers['ce-id']).toBe(message.attributes.id);
      expect(Buffer.from(letter!.bodyBase64!, 'base64').toString()).toBe('{"step":"a"}');
      expect(tries).toBe(2);
    });

    it('loses it at once when trying again cannot help', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      await bus.consume(consumer, anything(), async () => {
        throw new TerminalError('no_such_thing', 'there is no such thing', { id: 7 });
      });
      const answer = await bus.ask(someMessage(subjectOf(consumer)), 5_000);
      const error = {
        code: 'no_such_thing',
        message: 'there is no such thing',
        details: { id: 7 },
      };
      expect(answer).toEqual({ ok: false, error });
      const [letter] = await bus.deadLetters.list({ limit: 1 });
      expect(letter).toMatchObject({ reason: 'rejected', deliveryCount: 1 });
    });
  });
}
