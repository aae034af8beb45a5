/** How work is held, shared and given back. */
import { eventually } from '@writ/testing';
import { anything, someConsumer, someMessage, subjectOf } from './bus-world.conformance';
import type { BusWorld } from './bus-world.conformance';

export function conformsInWork({ connect }: BusWorld): void {
  describe('work', () => {
    it('keeps its message while it goes on beyond the acknowledgement wait', async () => {
      const bus = await connect();
      const consumer = someConsumer({ ackWaitMs: 600 });
      let began = 0;
      let ended = 0;
      await bus.consume(consumer, anything(), async () => {
        began += 1;
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        ended += 1;
      });
      await bus.send(someMessage(subjectOf(consumer)));
      await eventually(() => ended === 1, { what: 'the end of the reaction' });
      const other = await connect();
      const again: unknown[] = [];
      await other.consume(consumer, anything(), async ({ data }) => again.push(data));
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
      await bus.consume(consumer, anything(3), async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        done += 1;
      });
      await Promise.all(
        [...Array(40).keys()].map((n) => bus.send(someMessage(subjectOf(consumer), n))),
      );
      await eventually(() => done === 40, { what: 'all messages' });
      expect(most).toBe(3);
    });

    it('is shared by those who compete, and done once', async () => {
      const consumer = someConsumer();
      const doneBy: number[][] = [[], []];
      const all = [await connect('one'), await connect('two')];
      for (const [index, bus] of all.entries()) {
        await bus.consume(consumer, anything(2), async ({ data }) => {
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
      const again = { ...consumer, maxDeliver: 2 };
      await staying.consume(again, anything(), async ({ data }) => heard.push(data));
      await eventually(() => heard.length === 1, { what: 'the message again' });
      expect(heard).toEqual(['precious']);
    });
  });
}
