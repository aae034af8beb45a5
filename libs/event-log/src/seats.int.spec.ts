import { testDatabase } from '@writ/testing';
import { Client } from 'pg';
import { postgresSeats, type RelaySeat, type Seats } from './seats';
import { seatsConformance } from './seats.conformance';
import { createTally, tally } from './tally.conformance';

describe('seats in PostgreSQL', () => {
  seatsConformance(async () => {
    const database = await testDatabase();
    await createTally(database.adminUrl);
    const admin = new Client({ connectionString: database.adminUrl });
    await admin.connect();
    return {
      projection: tally,
      process: () => {
        const opened: RelaySeat[] = [];
        const seats = postgresSeats(database.urlFor('planner'));
        const noting: Seats = {
          ...seats,
          relay: () => {
            const seat = seats.relay();
            opened.push(seat);
            return seat;
          },
        };
        // With a process its connections end, and that is all.
        const die = async () => void (await Promise.all(opened.map((seat) => seat.close())));
        return { seats: noting, die };
      },
      counted: async () => {
        const text = 'select coalesce(sum(events), 0)::int as count from planner.tally';
        const { rows } = await admin.query<{ count: number }>(text);
        return rows[0]?.count ?? 0;
      },
      close: async () => {
        await admin.end();
        await database.drop();
      },
    };
  });
});
