/**
 * One directive with many steps and a long life: how long its stream takes to fold from nothing, and
 * with a snapshot; how long it takes to show it, right after the planner died and later; how long
 * commands to it take. It is written into the log as it would have come about (`long-directive.ts` of
 * testing), its last steps waiting for people. Latency is that of a command, over NATS, all of it.
 */
import { randomBytes } from 'node:crypto';
import type { CommandAnswer } from '@writ/contracts';
import { directiveDecider, directiveSnapshot } from '@writ/domain';
import {
  Aggregates,
  PostgresSnapshotTable,
  Snapshots,
  uuidV7,
  type EventLog,
} from '@writ/event-log';
import { longDirective, type LongDirective } from '@writ/testing';
import { Client } from 'pg';
import type { Directives } from '../directives';
import { settle } from '../fill-log';
import { showDirective } from '../gateway-client';
import { numberOf, type Job, type Parameters, type Stage } from '../job';
import { latencyOf, rounded, type Latency } from '../measure';
import { measureRounds } from '../measure-rounds';
import { withLog } from '../open-log';
import { usageBetween, usageOf } from '../usage';

const WAITING = 40;
const EVENTS_AT_A_TIME = 500;
const TIMES = 40;
const APPROVALS_OF_A_ROUND = 10;
const SNAPSHOT_WITHIN_MS = 60_000;

export const large: Job = {
  name: 'large',
  does: 'shows, commands and folds one directive with many steps and a long life',
  options: [
    { name: 'steps', means: 'steps of the directive', standard: 1_000 },
    { name: 'events', means: 'about so many events of it', standard: 20_000 },
  ],
  rounds: 1,
  measure: async (stage, parameters) => {
    const { directiveId, told } = await writeDirective(stage, parameters);
    const folds = await measureFolds(stage.stack.databaseUrl, directiveId, told.events.length);
    const client = await stage.connect();
    const shown = await measureShow(stage, directiveId);
    const measured = await measureRounds(stage, 'stepsPerSecond', async (round) => {
      const began = performance.now();
      const latencies = await commands(client, directiveId, told, round);
      return { count: latencies.length, ms: performance.now() - began, latencies };
    });
    const { stepsPerSecond: _, rounds: __, ...figures } = measured;
    return {
      ...figures,
      events: told.events.length,
      waiting: told.asked.length,
      ...shown,
      ...folds,
    };
  },
};

/** Leaves the stack as it comes up over a log that has it. */
async function writeDirective(
  { stack, say }: Stage,
  parameters: Parameters,
): Promise<{ directiveId: string; told: LongDirective }> {
  const directiveId = `c${randomBytes(8).toString('hex').slice(1)}`;
  const [steps, events] = [numberOf(parameters, 'steps'), numberOf(parameters, 'events')];
  const waiting = Math.min(WAITING, steps - 1);
  const told = longDirective({ directiveId, steps, events, waiting });
  say(`writing ${told.events.length} events of one directive`);
  await stack.down();
  await stack.up(['gateway']);
  await withLog(stack.databaseUrl, async (log) => {
    for (const { ended, evaluation } of told.asked) {
      await append(log, `run-${ended.runId}`, [{ type: 'RunEnded', data: ended }]);
      const judged = { type: 'EvaluationCompleted', data: evaluation };
      await append(log, `evaluation-${ended.runId}`, [judged]);
    }
    await append(log, `directive-${directiveId}`, told.events);
  });
  await settle(stack.databaseUrl);
  await stack.down();
  await stack.up();
  return { directiveId, told };
}

const actor = { kind: 'service' as const, id: 'bench' };

async function append(
  log: EventLog,
  stream: string,
  all: readonly (Pick<LongDirective['events'][number], 'type' | 'data'> & {
    readonly metadata?: LongDirective['events'][number]['metadata'];
  })[],
): Promise<void> {
  const metadata = { commandId: 'bench', correlationId: 'bench', actor };
  for (let from = 0; from < all.length; from += EVENTS_AT_A_TIME) {
    const events = all.slice(from, from + EVENTS_AT_A_TIME).map(({ type, data, ...more }) => {
      return { id: uuidV7(), type, schemaVersion: 1, data, metadata: more.metadata ?? metadata };
    });
    await log.append({ stream, expectedVersion: from, events });
  }
}

/** In this process: reading, parsing and folding, nothing else. */
async function measureFolds(url: string, directiveId: string, events: number) {
  const stream = `directive-${directiveId}`;
  const database = new Client({ connectionString: url, application_name: 'bench' });
  await database.connect();
  try {
    return await withLog(url, async (log) => {
      const ask = async (text: string, values: unknown[] = []): Promise<unknown> =>
        (await database.query(text, values)).rows;
      const table = new PostgresSnapshotTable(ask, 'planner');
      const onTrouble = (what: string) => {
        throw new Error(`a snapshot ${what}`);
      };
      const options = { table, form: directiveSnapshot, log, restMs: 0, onTrouble };
      const fold = async (snapshots?: Snapshots<never>) => {
        const began = performance.now();
        const cpu = process.cpuUsage();
        await new Aggregates({ log, decider: directiveDecider, snapshots }).load(stream);
        const ms = performance.now() - began;
        const { user, system } = process.cpuUsage(cpu);
        return { ms: rounded(ms), cpuMs: rounded((user + system) / 1_000) };
      };
      const without = [await fold(), await fold(), await fold()];
      await until('the snapshot', async () => (await table.read(stream)) !== undefined);
      const snapshots = () => new Snapshots(options) as unknown as Snapshots<never>;
      const withSnapshot = [await fold(snapshots()), await fold(snapshots())];
      return { folds: { events, without, withSnapshot } };
    });
  } finally {
    await database.end();
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + SNAPSHOT_WITHIN_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

interface Shown {
  /** The first answer of a planner that was killed just before, once it is there again. */
  readonly firstShowMs: number;
  readonly showMs: Latency;
  /** Of planner, gateway and NATS, for one. On a busy machine it says more than the clock. */
  readonly showCpuMs: number;
  readonly shownBytes: number;
}

async function measureShow({ stack, say }: Stage, directiveId: string): Promise<Shown> {
  const { gatewayUrl } = stack;
  await showDirective(gatewayUrl, directiveId);
  say('killing the planner');
  const before = stack.pids['planner'];
  stack.kill('planner');
  await until('another planner', async () => {
    const now = stack.pids['planner'];
    return now !== before && (await stack.metrics('planner').then(Boolean, () => false));
  });
  let shownBytes = 0;
  const show = async () => {
    const began = performance.now();
    shownBytes = await showDirective(gatewayUrl, directiveId);
    return performance.now() - began;
  };
  const firstShowMs = rounded(await show());
  const all: number[] = [];
  const usage = usageOf(stack.pids);
  for (let time = 0; time < TIMES; time += 1) all.push(await show());
  const { cpuSeconds } = usageBetween(usage, usageOf(stack.pids));
  const cpuMs = ['planner', 'gateway', 'nats'].reduce((sum, it) => sum + (cpuSeconds[it] ?? 0), 0);
  const showCpuMs = rounded((cpuMs * 1_000) / TIMES);
  return { firstShowMs, showMs: latencyOf(all), showCpuMs, shownBytes };
}

/** Approvals, a refusal, a pause and its end; what each is, comes back with its latency. */
async function commands(
  client: Directives,
  directiveId: string,
  { asked, state }: LongDirective,
  round: number,
): Promise<number[]> {
  const latencies: number[] = [];
  const tell = async (verb: string, more: object = {}): Promise<CommandAnswer> => {
    const began = performance.now();
    const answer = await client.tell(verb, directiveId, more);
    latencies.push(performance.now() - began);
    return answer;
  };
  // The last one stays: the directive goes on.
  const from = (round - 1) * APPROVALS_OF_A_ROUND;
  for (const { ended } of asked
    .slice(from, from + APPROVALS_OF_A_ROUND)
    .slice(0, asked.length - 1 - from)) {
    const approvalId = `${ended.runId}-review`;
    const digest = state.approvals.get(approvalId)?.request.digest ?? '';
    const answer = await tell('approve', { approvalId, digest });
    if (!answer.ok) throw new Error(`${approvalId} was not approved: ${answer.error.message}`);
    await tell('start');
  }
  for (let time = 0; time < 5; time += 1) {
    for (const verb of ['pause', 'resume']) {
      const answer = await tell(verb);
      if (!answer.ok) throw new Error(`${verb} was refused: ${answer.error.message}`);
    }
  }
  return latencies;
}
