/**
 * Whether a stack is what it was when the storm is over: new work goes through as on any day, and then
 * there is nothing left to be done anywhere.
 */
import { consumers } from '@writ/contracts';
import { eventually, seededRandom } from '@writ/testing';
import { Client as Database } from 'pg';
import { Client } from './client';
import type { Harness } from './harness';
import { whatIsHeld } from './jetstream';
import { makeDirective } from './workload';

const NEW_DIRECTIVES = 20;
const NEW_LIMIT_MS = 30_000;
/** An acknowledgement that a cut swallowed makes its message come once more, after the wait for it. */
const REST_LIMIT_MS = 2 * Math.max(...Object.values(consumers).map(({ ackWaitMs }) => ackWaitMs));
/** In a row, half a second apart: who follows the log looks at it once a second. */
const QUIET_LOOKS = 5;

/** New directives, each completed in time. One line for what is not so. */
export async function brokenAftermath(harness: Harness, client: Client): Promise<string[]> {
  const random = seededRandom(1);
  const { workFolder } = harness;
  const since = Date.now();
  try {
    const ids = await Promise.all(
      Array.from({ length: NEW_DIRECTIVES }, (_, number) => {
        const directive = makeDirective(random, { number, workFolder });
        const title = `after the storm ${number}`;
        return client.submit({ ...directive, title }, { limitMs: NEW_LIMIT_MS });
      }),
    );
    await eventually(
      async () => {
        const own = (await client.list()).filter(({ id }) => ids.includes(id));
        const done = own.filter(({ status }) => status === 'completed').length;
        if (done < ids.length) throw new Error(`${done} of ${ids.length} are completed`);
      },
      {
        what: 'new directives to be completed after the storm',
        timeoutMs: NEW_LIMIT_MS - (Date.now() - since),
        every: 200,
      },
    );
  } catch (error) {
    return [(error as Error).message];
  }
  return [];
}

/** What is still to be done when nothing should be. One line each. */
export async function unrest(harness: Harness): Promise<string[]> {
  const database = new Database({ connectionString: harness.postgres.url });
  await database.connect();
  let found: string[] = [];
  let quiet = 0;
  try {
    const look = async () => {
      const kept = await Promise.all([held(database), behind(harness), waiting(harness)]);
      found = kept.flat();
      quiet = found.length === 0 ? quiet + 1 : 0;
      return quiet >= QUIET_LOOKS;
    };
    const what = 'everything to come to rest';
    await eventually(look, { what, timeoutMs: REST_LIMIT_MS, every: 500 }).catch((error: Error) => {
      if (found.length === 0) found = [`nobody can say what is to be done: ${error.message}`];
    });
  } finally {
    await database.end();
  }
  return found;
}

const LAGS = /^(writ_(?:projection|relay)_lag_events\S*) ([1-9]\d*)$/gm;

/** Followers and relay, by what they say themselves: only they know how far they have looked. */
async function behind({ services }: Harness): Promise<string[]> {
  const all = [...services.values()].map(async ({ name, httpUrl }) => {
    const response = await fetch(`${httpUrl}/metrics`, { signal: AbortSignal.timeout(10_000) });
    const lags = (await response.text()).matchAll(LAGS);
    return [...lags].map(([, lag, events]) => `${name}: ${lag} is ${events}`);
  });
  return (await Promise.all(all)).flat();
}

async function held(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ what: string }>(
    `select 'a lease of ' || run_id || ' by ' || executor_id as what from executor.lease
     where expires_at >= clock_timestamp()
     union all
     select 'a session of ' || usename || ' in a transaction, idle' from pg_stat_activity
     where state like 'idle in transaction%' and usename like 'writ\\_%'`,
  );
  return rows.map(({ what }) => `${what} is left`);
}

async function waiting(harness: Harness): Promise<string[]> {
  const { consumers } = await whatIsHeld(harness);
  return consumers
    .filter((it) => it.num_pending + it.num_ack_pending > 0)
    .map(
      (it) => `${it.name} has ${it.num_pending} messages to take and ${it.num_ack_pending} in hand`,
    );
}
