/** What every bus does, whatever carries it: `bus.ts`, B1 to B4, as sentences. */
import { randomUUID } from 'node:crypto';
import { TerminalError, VersionConflict } from '@writ/contracts';
import type { ConsumerDefinition } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { Bus, ClaimCheck, Incoming } from './bus';
import { dropOff } from './claim-check.conformance';
import type { KeptLetter } from './dead-letters';
import { conformsInQueries } from './queries.conformance';

export interface BusHarness {
  /** A bus as another process would have it. */
  connect(name: string, claimCheck?: ClaimCheck): Promise<Bus>;
  /** Into a stream, as a client does that knows nothing of Writ. */
  publishRaw(subject: string, body: Uint8Array, headers?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

/** A consumer of its own, on subjects of its own. */
export function someConsumer(changes: Partial<ConsumerDefinition> = {}): ConsumerDefinition {
  const name = `test-${randomUUID().slice(0, 8)}`;
  return {
    name,
    stream: 'WRIT_WORK',
    subject: `writ.work.${name}.>`,
    ackWaitMs: 30_000,
    maxDeliver: 5,
    purpose: 'a test',
    ...changes,
  };
}

export function subjectOf(consumer: ConsumerDefinition, last = 'one'): string {
  return consumer.subject.replace(/>$/, last).replace(/\*/g, 'any');
}

export function someMessage(subject: string, data: unknown = {}, id: string = randomUUID()) {
  const attributes = { id, type: 'writ.test', source: '/writ/test' };
  return { subject, dataText: JSON.stringify(data), attributes };
}

async function letterFor(bus: Bus, consumer: ConsumerDefinition): Promise<KeptLetter> {
  const found = await eventually(
    async () => {
      const letters = await bus.deadLetters.list();
      return letters.find((letter) => letter.consumer === consumer.name) ?? false;
    },
    { what: 'the dead letter' },
  );
  return found as KeptLetter;
}

const asIs = (data: unknown) => data;
const some = (concurrency = 8) => ({ parse: asIs, concurrency });

export function busConformance(start: () => Promise<BusHarness>): void {
  let harness: BusHarness;
  const buses: Bus[] = [];
  const connect = async (name = 'test', claimCheck?: ClaimCheck): Promise<Bus> => {
    const bus = await harness.connect(name, claimCheck);
    buses.push(bus);
    return bus;
  };

  beforeAll(async () => {
    harness = await start();
  });
  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.drain(0)));
  });
  afterAll(() => harness.stop());

  describe('delivery', () => {
    it('brings a message with its data and attributes', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const heard: Incoming[] = [];
      await bus.consume(consumer, some(), async (message) => heard.push(message));
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
      await bus.consume(consumer, some(), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the message' });
    });

    it('hears by wildcard, and nothing beside it', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const name = consumer.name;
      const heard: string[] = [];
      const filtered = { ...consumer, subject: `writ.work.${name}.*.ended` };
      await bus.consume(filtered, some(), async ({ subject }) => heard.push(subject));
      const subjects = ['a.ended', 'a.started', 'a.b.ended', 'ended', 'b.ended'];
      for (const last of subjects) await bus.send(someMessage(`writ.work.${name}.${last}`));
      const expected = [`writ.work.${name}.a.ended`, `writ.work.${name}.b.ended`];
      await eventually(() => expect(heard.sort()).toEqual(expected), { what: 'two messages' });
    });

    it('drops a message that was sent with the same id before', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const heard: unknown[] = [];
      await bus.consume(consumer, some(), async ({ data }) => heard.push(data));
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
      await bus.consume(consumer, some(), async ({ deliveryCount }) => {
        at.push(performance.now());
        counts.push(deliveryCount);
        if (at.length < 4) throw new Error('not yet');
      });
      await bus.send(someMessage(subjectOf(consumer)));
      await eventually(() => at.length === 4, { what: 'the fourth delivery' });
      expect(counts).toEqual([1, 2, 3, 4]);
      const delays = at.slice(1).map((time, index) => time - at[index]!);
      expect(delays[0]).toBeGreaterThan(60);
      expect(delays[1]).toBeGreaterThan(delays[0]! * 1.1);
      expect(delays[2]).toBeGreaterThan(delays[1]! * 1.1);
    });

    it('gets it again soon when somebody else was first', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      let tries = 0;
      const began = performance.now();
      await bus.consume(consumer, some(), async () => {
        tries += 1;
        if (tries < 4) throw new VersionConflict('run-1', 1, 2);
      });
      await bus.send(someMessage(subjectOf(consumer)));
      await eventually(() => tries === 4, { what: 'the fourth try', every: 2 });
      expect(performance.now() - began).toBeLessThan(600);
    });

    it('loses its message to the dead letters after the last delivery, whole', async () => {
      const bus = await connect();
      const consumer = someConsumer({ maxDeliver: 2 });
      let tries = 0;
      await bus.consume(consumer, some(), async () => {
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
      await bus.consume(consumer, some(), async () => {
        throw new TerminalError('no_such_thing', 'there is no such thing', { id: 7 });
      });
      const answer = await bus.ask(someMessage(subjectOf(consumer)), 5_000);
      const error = { code: 'no_such_thing', message: 'there is no such thing', details: { id: 7 } };
      expect(answer).toEqual({ ok: false, error });
      const [letter] = await bus.deadLetters.list({ limit: 1 });
      expect(letter).toMatchObject({ reason: 'rejected', deliveryCount: 1 });
    });
  });

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
      ['an escaped key __proto__', Buffer.from('{"\\u005f_proto__":{"admin":true}}')],
      ['constructor.prototype', Buffer.from('{"constructor":{"prototype":{"admin":true}}}')],
    ])('is no danger when it is %s', async (_, body) => {
      const bus = await connect();
      const consumer = someConsumer();
      const heard: unknown[] = [];
      await bus.consume(consumer, some(), async ({ data }) => heard.push(data));
      await harness.publishRaw(subjectOf(consumer), body);
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
      await bus.consume(consumer, some(), async () => undefined);
      await harness.publishRaw(subjectOf(consumer), Buffer.from('{}'), { [name]: value });
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
      await bus.consume(consumer, some(), async ({ attributes, deliveryCount }) => {
        ids.push(attributes.id);
        if (deliveryCount === 1) throw new Error('once more');
      });
      await harness.publishRaw(subjectOf(consumer), Buffer.from('{}'));
      await eventually(() => ids.length === 2, { what: 'two deliveries' });
      await harness.publishRaw(subjectOf(consumer), Buffer.from('{}'));
      await eventually(() => ids.length === 4, { what: 'four deliveries' });
      expect(ids[0]).toBe(ids[1]);
      expect(ids[2]).toBe(ids[3]);
      expect(ids[0]).not.toBe(ids[2]);
    });

    it('may name its message by Nats-Msg-Id, write headers as it likes, or send one envelope', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const heard: Incoming[] = [];
      await bus.consume(consumer, some(), async (message) => heard.push(message));
      const subject = subjectOf(consumer);
      await harness.publishRaw(subject, Buffer.from('1'), { 'Nats-Msg-Id': `${subject}-1` });
      await harness.publishRaw(subject, Buffer.from('2'), { 'CE-Id': 'two', 'Ce-Type': 'theirs' });
      const envelope = { specversion: '1.0', id: 'three', type: 'theirs', source: '/a', data: 3 };
      await harness.publishRaw(subject, Buffer.from(JSON.stringify(envelope)), {
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

  describe('work', () => {
    it('keeps its message while it goes on beyond the acknowledgement wait', async () => {
      const bus = await connect();
      const consumer = someConsumer({ ackWaitMs: 600 });
      let began = 0;
      let ended = 0;
      await bus.consume(consumer, some(), async () => {
        began += 1;
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        ended += 1;
      });
      await bus.send(someMessage(subjectOf(consumer)));
      await eventually(() => ended === 1, { what: 'the end of the reaction' });
      const other = await connect();
      const again: unknown[] = [];
      await other.consume(consumer, some(), async ({ data }) => again.push(data));
      await other.send(someMessage(subjectOf(consumer), 'mark'));
      await eventually(() => began + again.length === 2, { what: 'the mark' });
      expect(began + again.length).toBe(2);
    });

    it('never has more reactions at a time than it may', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      let running = 0;
      let most = 0;
      let done = 0;
      await bus.consume(consumer, some(3), async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        done += 1;
      });
      await Promise.all([...Array(40).keys()].map((n) => bus.send(someMessage(subjectOf(consumer), n))));
      await eventually(() => done === 40, { what: 'all messages' });
      expect(most).toBe(3);
    });

    it('is shared by those who compete, and done once', async () => {
      const consumer = someConsumer();
      const doneBy: number[][] = [[], []];
      const all = [await connect('one'), await connect('two')];
      for (const [index, bus] of all.entries()) {
        await bus.consume(consumer, some(2), async ({ data }) => {
          await new Promise((resolve) => setTimeout(resolve, 3));
          doneBy[index]!.push(data as number);
        });
      }
      const numbers = [...Array(60).keys()];
      await Promise.all(numbers.map((n) => all[0]!.send(someMessage(subjectOf(consumer), n))));
      await eventually(() => doneBy.flat().length >= 60, { what: 'all messages' });
      expect(doneBy.flat().sort((a, b) => a - b)).toEqual(numbers);
      expect(Math.min(doneBy[0]!.length, doneBy[1]!.length)).toBeGreaterThan(10);
    });

    it('of another process is taken over when that process is gone', async () => {
      const consumer = someConsumer({ ackWaitMs: 500 });
      const lost = await connect('lost');
      let taken = 0;
      await lost.consume(consumer, some(), async () => {
        taken += 1;
        await new Promise(() => undefined);
      });
      await lost.send(someMessage(subjectOf(consumer)));
      await eventually(() => taken === 1, { what: 'the first delivery' });
      await lost.drain(0); // it gives back what it has not ended
      const heir = await connect('heir');
      const heard: unknown[] = [];
      await heir.consume(consumer, some(), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the second delivery' });
    });
  });

  describe('commands', () => {
    it('are answered with what the reaction returns, or simply ok', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      await bus.consume(consumer, some(), async ({ data }) => data ?? undefined);
      const subject = subjectOf(consumer);
      const answer = { ok: true, directiveId: 'd', version: 1, position: 2 };
      expect(await bus.ask(someMessage(subject, answer), 5_000)).toEqual(answer);
      expect(await bus.ask(someMessage(subject, null), 5_000)).toEqual({ ok: true });
    });

    it('without an answer in time end in a TimeoutError', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const late = bus.ask(someMessage(subjectOf(consumer)), 100);
      await expect(late).rejects.toMatchObject({ name: 'TimeoutError' });
    });
  });

  describe('a large body', () => {
    it('travels by digest and arrives whole, there and back', async () => {
      const { claimCheck, kept } = dropOff();
      const bus = await connect('test', claimCheck);
      const consumer = someConsumer();
      await bus.consume(consumer, some(), async ({ data }) => data);
      const data = { text: 'x'.repeat(2 * 1024 * 1024) };
      expect(await bus.ask(someMessage(subjectOf(consumer), data), 10_000)).toEqual(data);
      expect(kept.size).toBe(1); // the same bytes both ways
    });

    it('that cannot be fetched is tried again, since that says nothing about it', async () => {
      const { claimCheck } = dropOff();
      let failures = 2;
      const flaky: ClaimCheck = {
        put: (bytes) => claimCheck.put(bytes),
        get: async (digest) => {
          failures -= 1;
          if (failures >= 0) throw new Error('the store is away');
          return claimCheck.get(digest);
        },
      };
      const bus = await connect('test', flaky);
      const consumer = someConsumer();
      const counts: number[] = [];
      await bus.consume(consumer, some(), async (message) => counts.push(message.deliveryCount));
      await bus.send(someMessage(subjectOf(consumer), 'x'.repeat(100_000)));
      await eventually(() => counts.length === 1, { what: 'the message' });
      expect(counts).toEqual([3]);
    });

    it('without a place to keep it is sent as far as the server takes it', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const lengths: number[] = [];
      await bus.consume(consumer, some(), async ({ data }) => lengths.push((data as string).length));
      await bus.send(someMessage(subjectOf(consumer), 'x'.repeat(500_000)));
      await eventually(() => lengths.length === 1, { what: 'the message' });
      const tooLarge = bus.send(someMessage(subjectOf(consumer), 'x'.repeat(1_100_000)));
      await expect(tooLarge).rejects.toMatchObject({ code: 'too-large' });
    });
  });

  describe('dead letters', () => {
    it('are listed newest first, found, and sent again as they were', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      let broken = true;
      const heard: Incoming[] = [];
      await bus.consume(consumer, some(1), async (message) => {
        if (broken) throw new TerminalError('broken', 'out of order');
        heard.push(message);
      });
      for (const n of [1, 2, 3]) {
        await bus.ask(someMessage(subjectOf(consumer), n, `${consumer.name}-${n}`), 5_000);
      }
      const [third, second] = await bus.deadLetters.list({ limit: 2 });
      expect(third?.headers['ce-id']).toBe(`${consumer.name}-3`);
      const [, first] = await bus.deadLetters.list({ limit: 2, after: third!.sequence });
      expect(first?.headers['ce-id']).toBe(`${consumer.name}-1`);
      expect(await bus.deadLetters.find(second!.id)).toEqual(second);
      expect(await bus.deadLetters.find(String(second!.sequence))).toEqual(second);

      broken = false;
      await bus.deadLetters.replay(second!.sequence);
      await eventually(() => heard.length === 1, { what: 'the replayed message' });
      expect(heard[0]).toMatchObject({ data: 2, subject: subjectOf(consumer), deliveryCount: 1 });
      expect(heard[0]?.attributes.id).toBe(`${consumer.name}-2`);
      expect(await bus.deadLetters.find(second!.sequence)).toBeUndefined();
      expect((await bus.deadLetters.list({ limit: 1 }))[0]?.id).toBe(third?.id);
      const gone = bus.deadLetters.replay(second!.sequence);
      await expect(gone).rejects.toMatchObject({ code: 'not_found' });
    });

    it('that fail again after a replay are kept again', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      await bus.consume(consumer, some(), async () => {
        throw new TerminalError('broken', 'still out of order');
      });
      await bus.ask(someMessage(subjectOf(consumer), 'precious'), 5_000);
      const [letter] = await bus.deadLetters.list({ limit: 1 });
      await bus.deadLetters.replay(letter!.id);
      await eventually(
        async () => {
          const [newest] = await bus.deadLetters.list({ limit: 1 });
          expect(newest?.sequence).toBeGreaterThan(letter!.sequence);
          expect(newest?.bodyBase64).toBe(letter?.bodyBase64);
        },
        { what: 'the second dead letter' },
      );
    });
  });

  describe('the end of a process', () => {
    it('waits for what was begun, takes nothing new, and gives the rest back', async () => {
      const consumer = someConsumer();
      const leaving = await connect('leaving');
      const staying = await connect('staying');
      const begun: number[] = [];
      const ended: number[] = [];
      let letGo = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      await leaving.consume(consumer, some(2), async ({ data, signal }) => {
        begun.push(data as number);
        await gate;
        expect(signal.aborted).toBe(true);
        ended.push(data as number);
      });
      for (const n of [1, 2, 3, 4, 5]) await leaving.send(someMessage(subjectOf(consumer), n));
      await eventually(() => begun.length === 2, { what: 'two reactions' });
      const drained = leaving.drain(10_000);
      const others: number[] = [];
      await staying.consume(consumer, some(8), async ({ data }) => others.push(data as number));
      await eventually(() => others.length === 3, { what: 'the other three', timeoutMs: 5_000 });
      letGo();
      await drained;
      expect(ended.sort()).toEqual(begun.sort());
      expect([...ended, ...others].sort()).toEqual([1, 2, 3, 4, 5]);
      expect(leaving.health().ok).toBe(false);
    });

    it('is no failure of a reaction that gives up for it, even at its last delivery', async () => {
      const consumer = someConsumer({ maxDeliver: 1 });
      const leaving = await connect('leaving');
      let begun = 0;
      await leaving.consume(consumer, some(), async ({ signal }) => {
        begun += 1;
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      });
      await leaving.send(someMessage(subjectOf(consumer), 'precious'));
      await eventually(() => begun === 1, { what: 'the reaction' });
      await leaving.drain(5_000);
      const staying = await connect('staying');
      const heard: unknown[] = [];
      const again = { ...consumer, maxDeliver: 2 };
      await staying.consume(again, some(), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the message again' });
      expect(heard).toEqual(['precious']);
    });
  });

  conformsInQueries(() => ({ connect }));
}
