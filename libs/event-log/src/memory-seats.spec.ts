import type { EntityManager } from 'typeorm';
import { MemorySeats } from './memory-seats';
import type { Projection } from './projection';
import { seatsConformance } from './seats.conformance';

describe('seats in memory', () => {
  seatsConformance(async () => {
    let counted = 0;
    const seats = new MemorySeats({
      begin: () => {
        let pending = counted;
        const tx = { query: async (_: string, [count]: [number]) => void (pending += count) };
        return { tx: tx as unknown as EntityManager, commit: () => void (counted = pending) };
      },
    });
    const projection: Projection = {
      ...{ name: 'tally', schema: 'planner', tables: ['tally'] },
      apply: async (events, tx) => void (await tx.query('count', [events.length])),
    };
    return {
      projection,
      process: () => {
        const owner = {};
        return { seats: seats.of(owner), die: async () => seats.leave(owner) };
      },
      counted: async () => counted,
      close: async () => undefined,
    };
  });
});
