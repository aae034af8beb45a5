/**
 * Builds every read model anew beside the live one and compares, as `writ rebuild --check` does, over a
 * log of N events. The rate is that of the whole: N events, all read models of all services.
 */
import { rebuildQuery, type RebuildReport } from '@writ/contracts';
import type { Directives } from '../directives';
import { caughtUp, fillLog } from '../fill-log';
import { numberOf, type Job } from '../job';
import { perSecond } from '../measure';
import { measureRounds } from '../measure-rounds';

const services = ['planner', 'executor', 'verifier', 'manifest'] as const;
const SILENCE_LIMIT_MS = 120_000;

interface OfService {
  readonly events: number;
  readonly seconds: number;
  /** What of the log concerns it, in the time that it took. */
  readonly eventsPerSecond: number;
}

export const rebuild: Job = {
  name: 'rebuild',
  does: 'builds all read models anew from a long log, and compares',
  options: [
    { name: 'events', means: 'events of the log', standard: 1_000_000 },
    { name: 'finished', means: 'directives that they make up', standard: 20_000 },
  ],
  measure: async (stage, parameters) => {
    const [events, finished] = [numberOf(parameters, 'events'), numberOf(parameters, 'finished')];
    const past = await fillLog(stage, { events, finished });
    await stage.stack.up();
    stage.say('waiting for the read models');
    const followed = await caughtUp(stage.stack.databaseUrl);
    const client = await stage.connect();
    let ofServices: Record<string, OfService> = {};
    const measured = await measureRounds(stage, 'eventsPerSecond', async () => {
      const began = performance.now();
      const made = services.map(async (name) => [name, await rebuilt(client, name)] as const);
      ofServices = Object.fromEntries(await Promise.all(made));
      const ms = performance.now() - began;
      return { count: past.events, ms, latencies: [ms] };
    });
    return { ...measured, services: ofServices, past, caughtUpSeconds: followed };
  },
};

/** Throws when a read model was not what the log says. */
async function rebuilt(client: Directives, service: (typeof services)[number]): Promise<OfService> {
  const { name } = rebuildQuery(service);
  const answer = await client.query(service, name, { check: true }, SILENCE_LIMIT_MS);
  const { events, seconds, projections } = answer as RebuildReport;
  const wrong = projections.find(({ equal }) => !equal);
  if (wrong !== undefined) throw new Error(`the read model ${wrong.name} is not what the log says`);
  return { events, seconds, eventsPerSecond: perSecond(events, seconds * 1_000) };
}
