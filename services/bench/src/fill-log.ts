/**
 * Gives a stack a past: a log of so many events, in which so many directives have finished, and read
 * models that know them. Everything goes in through the append function; what the services would find
 * to do about it (publish it, seal it) is marked as done, for it is.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { EventLog } from '@writ/event-log';
import { Client } from 'pg';
import { clone, readTemplate, type Template } from './clones';
import { chainOf } from './directive-shapes';
import { requireCompleted } from './directives';
import type { Stage } from './job';
import { perSecond, rounded } from './measure';
import { withLog } from './open-log';

export interface Past {
  readonly events: number;
  readonly directives: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
}

/** Events of a directive of echo steps: four of each step, and five. */
const EVENTS_OF_A_STEP = 4;
const EVENTS_BESIDES = 5;
/** As many as a directive may have. */
const MOST_STEPS = 2_000;
const DIRECTIVES_AT_A_TIME = 24;
const limits = { batchEvents: 2_000, batchBytes: 16 * 1024 * 1024, queueBytes: 512 * 1024 * 1024 };

/** Stops the services while it writes, and leaves the stack stopped. */
export async function fillLog(
  { stack, say, connect }: Pick<Stage, 'stack' | 'say' | 'connect'>,
  { events, finished }: { readonly events: number; readonly finished: number },
): Promise<Past> {
  const steps = stepsFor(events / finished);
  say(`running the directive of ${steps} steps that is written again ${finished} times`);
  const client = await connect();
  const ended = await client.run(chainOf(steps));
  requireCompleted([ended]);
  const template = await withLog(stack.databaseUrl, (log) => readTemplate(log, ended.directiveId));
  await client.close();
  await stack.down();
  await stack.up(['gateway']);
  const began = performance.now();
  await writeClones(stack.databaseUrl, template, finished, say);
  const ms = performance.now() - began;
  await settle(stack.databaseUrl);
  await stack.down();
  const written = template.events * finished;
  return {
    events: written,
    directives: finished,
    seconds: rounded(ms / 1_000),
    eventsPerSecond: perSecond(written, ms),
  };
}

export function stepsFor(eventsOfADirective: number): number {
  const steps = Math.round((eventsOfADirective - EVENTS_BESIDES) / EVENTS_OF_A_STEP);
  if (steps >= 1 && steps <= MOST_STEPS) return steps;
  const least = EVENTS_BESIDES + EVENTS_OF_A_STEP;
  const most = EVENTS_BESIDES + EVENTS_OF_A_STEP * MOST_STEPS;
  throw new Error(
    `a finished directive has ${least} to ${most} events, not ${Math.round(eventsOfADirective)}: change --events or --finished`,
  );
}

async function writeClones(
  url: string,
  template: Template,
  count: number,
  say: (text: string) => void,
): Promise<void> {
  const fill = async (log: EventLog) => {
    let next = 0;
    const write = async () => {
      while (next < count) {
        const number = next++;
        await Promise.all(clone(template, number).map((append) => log.append(append)));
        if ((number + 1) % 2_000 === 0) say(`${number + 1} of ${count} directives are written`);
      }
    };
    await Promise.all(Array.from({ length: DIRECTIVES_AT_A_TIME }, write));
  };
  await withLog(url, fill, limits);
}

/** As it is after a while: nothing waits for relay or sealing, and the database knows its tables. */
export async function settle(url: string): Promise<void> {
  await inDatabase(url, async (database) => {
    const head = '(select max(position) from log.event)';
    await database.query(`update log.relay_cursor set position = ${head}`);
    await database.query(
      `update manifest.checkpoint set position = ${head} where name = 'sealing'`,
    );
    await database.query('analyze');
  });
}

export async function inDatabase<T>(
  url: string,
  work: (database: Client) => Promise<T>,
): Promise<T> {
  const database = new Client({ connectionString: url, application_name: 'bench' });
  await database.connect();
  try {
    return await work(database);
  } finally {
    await database.end();
  }
}

const CAUGHT_UP_WITHIN_MS = 60 * 60_000;
/** A follower writes its place down at least when it has come so much further. */
const SLACK = 1_000;
const followed = ['planner', 'executor', 'verifier', 'manifest'] as const;

/** Waits until the read models have all of the log; by service, how many seconds that took. */
export async function caughtUp(url: string): Promise<Readonly<Record<string, number>>> {
  const began = performance.now();
  const seconds: Record<string, number> = {};
  await inDatabase(url, async (database) => {
    const places = followed.map((it) => `(select min(position) from ${it}.checkpoint) as ${it}`);
    const text = `select (select max(position) from log.event) as head, ${places.join(', ')}`;
    while (Object.keys(seconds).length < followed.length) {
      const { rows } = await database.query<Record<string, string | null>>(text);
      const elapsed = performance.now() - began;
      const at = (name: string) => Number(rows[0]?.[name] ?? -1);
      for (const service of followed) {
        if (at(service) < at('head') - SLACK) continue;
        seconds[service] ??= rounded(elapsed / 1_000);
      }
      if (elapsed > CAUGHT_UP_WITHIN_MS) {
        throw new Error(`the read models are behind after an hour: ${JSON.stringify(rows[0])}`);
      }
      await wait(100);
    }
  });
  return seconds;
}
