/**
 * A read model for tests: counts the events of each stream and adds up their numbers. Applying an
 * event twice, or not at all, shows in it.
 */
import { Client } from 'pg';
import type { Projection } from './projection';

export const tally: Projection = {
  name: 'tally',
  schema: 'planner',
  tables: ['tally'],
  streamPrefixes: ['run-'],
  async apply(events, tx) {
    const numbers = events.map(({ data }) => (data as { number?: number }).number ?? 0);
    await tx.query(
      `insert into tally (stream, events, total, last_at)
       select stream, count(*), sum(number), max(at)
       from unnest($1::text[], $2::int[], $3::timestamptz[]) as e(stream, number, at)
       group by stream
       on conflict (stream) do update set
         events = tally.events + excluded.events,
         total = tally.total + excluded.total,
         last_at = excluded.last_at`,
      [events.map(({ stream }) => stream), numbers, events.map(({ recordedAt }) => recordedAt)],
    );
  },
};

/** Makes its table, as a migration would. */
export async function createTally(adminUrl: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`
    set role writ_owner;
    create table planner.tally (
      stream text collate "C" primary key,
      events int not null,
      total bigint not null,
      last_at timestamptz not null
    )`);
  await admin.end();
}
