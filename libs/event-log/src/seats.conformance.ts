import { eventually } from '@writ/testing';
import { event } from './event-log.conformance';
import { MemoryLog } from './memory-log';
import type { Page, Projection } from './projection';
import type { ProjectionSeat, Seats } from './seats';

/** Where seats are tried: each process is another one on the same seats. */
export interface SeatsWorld {
  process(): { readonly seats: Seats; die(): Promise<void> };
  readonly projection: Projection;
  /** How many events the projection has counted in its tables. */
  counted(): Promise<number>;
  close(): Promise<void>;
}

/** What every implementation of Seats does. */
export function seatsConformance(open: () => Promise<SeatsWorld>): void {
  let world: SeatsWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  const page = async (count: number, upTo: number): Promise<Page> => {
    const log = new MemoryLog();
    const events = Array.from({ length: count }, (_, number) => event('Counted', { number }));
    const stored = await log.append({ stream: 'run-a', expectedVersion: 0, events });
    return { events: stored, upTo, full: false, headPosition: upTo };
  };

  /** A database notices a little later that a connection has ended. */
  const takeWhenFree = async (seat: ProjectionSeat) => {
    let taken: number | undefined;
    await eventually(async () => (taken = await seat.take()) !== undefined, { what: 'the seat' });
    return taken;
  };

  describe('the seat of a read model', () => {
    const open = () => world.process().seats.projection(world.projection);

    test('is for one at a time, and begins at 0', async () => {
      const [one, two] = [await open(), await open()];
      expect(await one.take()).toBe(0);
      expect(await two.take()).toBeUndefined();
      await one.close();
      expect(await takeWhenFree(two)).toBe(0);
      await two.close();
    });

    test('keeps how far its follower came for the next one', async () => {
      const one = await open();
      await one.take();
      await one.advance(await page(3, 7), 0);
      await one.close();
      const two = await open();
      expect(await takeWhenFree(two)).toBe(7);
      expect(await world.counted()).toBe(3);
      await two.close();
    });

    test('moves from where it is only, and then writes nothing', async () => {
      const one = await open();
      await one.take();
      await one.advance(await page(3, 7), 0);
      await expect(one.advance(await page(2, 9), 0)).rejects.toThrow(/is not at 0 any more/);
      await one.close();
      expect(await world.counted()).toBe(3);
    });

    test('writes nothing when applying fails', async () => {
      const { projection } = world;
      const failing: Projection = {
        ...projection,
        apply: async (events, tx) => {
          await projection.apply(events, tx);
          throw new Error('it fails at the end');
        },
      };
      const one = await world.process().seats.projection(failing);
      await one.take();
      await expect(one.advance(await page(3, 7), 0)).rejects.toThrow('it fails at the end');
      await one.close();
      const two = await open();
      expect(await takeWhenFree(two)).toBe(0);
      expect(await world.counted()).toBe(0);
      await two.close();
    });
  });

  describe('the seat of the relay', () => {
    test('is free when its process dies, and keeps the cursor, which never goes back', async () => {
      const [first, second] = [world.process(), world.process()];
      const [one, two] = [first.seats.relay(), second.seats.relay()];
      expect(await one.tryHold()).toBe(true);
      expect(await two.tryHold()).toBe(false);
      expect([one.holds, two.holds]).toEqual([true, false]);
      await one.save(5);
      await one.save(3);
      await first.die();
      await eventually(() => two.tryHold(), { what: 'the seat' });
      expect(await two.cursor()).toBe(5);
      await two.close();
      expect(two.holds).toBe(false);
    });
  });
}
