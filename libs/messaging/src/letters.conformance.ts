/** Commands and their answers, large bodies, dead letters. */
import { TerminalError } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { ClaimCheck, Incoming } from './bus';
import { anything, someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import type { BusWorld } from './bus-world.conformance';
import { dropOff } from './claim-check.conformance';

export function conformsInLetters({ connect, publishRaw }: BusWorld): void {
  describe('commands', () => {
    it('are answered with what the reaction returns, or simply ok', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      await bus.consume(consumer, anything(), async ({ data }) => data ?? undefined);
      const subject = subjectOf(consumer);
      const answer = { ok: true, directiveId: 'd', version: 1, position: 2 };
      expect(await bus.ask(someMessage(subject, answer), 5_000)).toEqual(answer);
      expect(await bus.ask(someMessage(subject, null), 5_000)).toEqual({ ok: true });
    });

    it('are answered again when they are asked again with the same id', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      let asked = 0;
      await bus.consume(consumer, anything(), async () => ({ ok: true, asked: (asked += 1) }));
      const command = someMessage(subjectOf(consumer));
      expect(await bus.ask(command, 5_000)).toEqual({ ok: true, asked: 1 });
      expect(await bus.ask(command, 5_000)).toEqual({ ok: true, asked: 2 });
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
      await bus.consume(consumer, anything(), async ({ data }) => data);
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
      await bus.consume(consumer, anything(), async (message) =>
        counts.push(message.deliveryCount),
      );
      await bus.send(someMessage(subjectOf(consumer), 'x'.repeat(100_000)));
      await eventually(() => counts.length === 1, { what: 'the message' });
      expect(counts).toEqual([3]);
    });

    it('without a place to keep it is sent as far as the server takes it', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const lengths: number[] = [];
      await bus.consume(consumer, anything(), async ({ data }) =>
        lengths.push((data as string).length),
      );
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
      await bus.consume(consumer, anything(1), async (message) => {
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

    it('are seen beside what somebody else put among them', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      await bus.consume(consumer, anything(), async () => {
        throw new TerminalError('broken', 'out of order');
      });
      await bus.ask(someMessage(subjectOf(consumer), 'ours'), 5_000);
      for (const body of ['not JSON', 'null', '{"reason":7}']) {
        await publishRaw('writ.dead.stray', Buffer.from(body));
      }
      const [stray, , other, ours] = await bus.deadLetters.list({ limit: 4 });
      expect(ours).toMatchObject({ consumer: consumer.name, reason: 'rejected' });
      expect(stray).toMatchObject({ subject: 'writ.dead.stray', error: { code: 'not_a_letter' } });
      expect(Buffer.from(other!.bodyBase64!, 'base64').toString()).toBe('not JSON');
      const replayed = bus.deadLetters.replay(stray!.sequence);
      await expect(replayed).rejects.toMatchObject({ code: 'not_available' });
    });

    it('that fail again after a replay are kept again', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      await bus.consume(consumer, anything(), async () => {
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
}
