/** How work is held, shared and given back. */
import { MAX_INLINE_BYTES, TerminalError } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { Incoming } from './bus';
import { anything, someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import type { BusWorld } from './bus-world.conformance';

export function conformsInWork({ connect, crash }: BusWorld): void {
  describe('work', () => {
    it('keeps its message while it goes on beyond the acknowledgement wait', async () => {
      const consumer = someConsumer({ ackWaitMs: 600 });
      const [busy, lost, heir] = [
        await connect('busy'),
        await connect('lost'),
        await connect('heir'),
      ];
      const begun: unknown[] = [];
      let letGo = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      const hold = async ({ data }: Incoming) => {
        begun.push(data);
        await gate;
      };
      await busy.consume(consumer, anything(1), hold);
      await busy.send(someMessage(subjectOf(consumer), 'kept'));
      await eventually(() => begun.length === 1, { what: 'the reaction' });
      await lost.consume(consumer, anything(1), hold);
      await lost.send(someMessage(subjectOf(consumer), 'mark'));
      await eventually(() => begun.length === 2, { what: 'the mark' });
      // Who takes the mark after the wait has seen it pass for what was taken before, too.
      await crash(lost);
      const heard: unknown[] = [];
      await heir.consume(consumer, anything(8), async ({ data }) => heard.push(data));
      await eventually(() => heard.length > 0, { what: 'the mark again' });
      letGo();
      await busy.drain(5_000);
      await heir.send(someMessage(subjectOf(consumer), 'last'));
      await eventually(() => heard.includes('last'), { what: 'the last one' });
      expect(heard).toEqual(['mark', 'last']);
      expect(begun).toEqual(['kept', 'mark']);
    });

    it('is offered whole to strangers, in a queue that is made for it', async () => {
      const queue = someConsumer();
      const kept: Uint8Array[] = [];
      const claimCheck = {
        put: async (bytes: Uint8Array) => `sha256:${'0'.repeat(63)}${kept.push(bytes)}`,
        get: () => Promise.reject(new Error('a stranger cannot fetch it')),
      };
      const [ours, stranger] = [await connect('ours', claimCheck), await connect('stranger')];
      const large = 'x'.repeat(2 * MAX_INLINE_BYTES);
      await ours.offer(queue, someMessage(subjectOf(queue), large));
      expect(await ours.backlog([queue])).toEqual({ waiting: 1, inHands: 0 });
      const heard: unknown[] = [];
      await stranger.consume(queue, anything(1), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the work' });
      expect(heard).toEqual([large]);
      expect(kept).toEqual([]);
      const tooLarge = someMessage(subjectOf(queue), 'x'.repeat(1024 * 1024));
      await expect(ours.offer(queue, tooLarge)).rejects.toBeInstanceOf(TerminalError);
    });

    it('never has more reactions at a time than it may', async () => {
      const bus = await connect();
      const consumer = someConsumer();
      const running: (() => void)[] = [];
      let most = 0;
      let begun = 0;
      await bus.consume(consumer, anything(3), async () => {
        begun += 1;
        await new Promise<void>((resolve) => {
          running.push(resolve);
          most = Math.max(most, running.length);
        });
      });
      for (const n of Array(40).keys()) await bus.send(someMessage(subjectOf(consumer), n));
      for (let ended = 0; ended < 40; ended += 1) {
        const expected = Math.min(40, ended + 3);
        await eventually(() => begun === expected, { what: `${expected} to be begun`, every: 1 });
        running.shift()?.();
      }
      expect(most).toBe(3);
    });

    it('is shared by those who compete, and done once', async () => {
      const consumer = someConsumer();
      const doneBy: number[][] = [[], []];
      const all = [await connect('one'), await connect('two')];
      // Nobody ends anything before both have begun something.
      const hasBegun = new Set<number>();
      let letGo = (): void => undefined;
      const both = new Promise<void>((resolve) => (letGo = resolve));
      for (const [index, bus] of all.entries()) {
        await bus.consume(consumer, anything(2), async ({ data }) => {
          if (hasBegun.add(index).size === 2) letGo();
          await both;
          doneBy[index]!.push(data as number);
        });
      }
      const numbers = [...Array(60).keys()];
      await Promise.all(numbers.map((n) => all[0]!.send(someMessage(subjectOf(consumer), n))));
      await eventually(() => doneBy.flat().length >= 60, { what: 'all messages' });
      expect(doneBy.flat().sort((a, b) => a - b)).toEqual(numbers);
    });

    it('of a process that parts is taken over at once', async () => {
      const consumer = someConsumer(); // it would wait for half a minute
      const lost = await connect('lost');
      let taken = 0;
      await lost.consume(consumer, anything(), async () => {
        taken += 1;
        await new Promise(() => undefined);
      });
      await lost.send(someMessage(subjectOf(consumer)));
      await eventually(() => taken === 1, { what: 'the first delivery' });
      await lost.drain(0); // it gives back what it has not ended
      const heir = await connect('heir');
      const heard: unknown[] = [];
      await heir.consume(consumer, anything(), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the second delivery' });
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
      await leaving.consume(consumer, anything(2), async ({ data, signal }) => {
        begun.push(data as number);
        await gate;
        expect(signal.aborted).toBe(true);
        ended.push(data as number);
      });
      for (const n of [1, 2, 3, 4, 5]) await leaving.send(someMessage(subjectOf(consumer), n));
      await eventually(() => begun.length === 2, { what: 'two reactions' });
      const drained = leaving.drain(10_000);
      const others: number[] = [];
      await staying.consume(consumer, anything(8), async ({ data }) => others.push(data as number));
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
      await leaving.consume(consumer, anything(), async ({ signal }) => {
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
      await staying.consume(consumer, anything(), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the message again' });
      expect(heard).toEqual(['precious']);
    });
  });
}
