/**
 * W writers append B events at a time, each to a stream of its own, through the log's own client in
 * this process; latency is that of an append. No service but an idle gateway runs beside it.
 */
import { uuidV7, type EventLog } from '@writ/event-log';
import { numberOf, type Job } from '../job';
import type { Round } from '../measure';
import { measureRounds } from '../measure-rounds';
import { withLog } from '../open-log';

/** A stream is left for a new one after so many appends. */
const APPENDS_OF_A_STREAM = 200;

export const append: Job = {
  name: 'append',
  does: 'appends to the log, from several writers at a time',
  only: ['gateway'],
  options: [
    { name: 'writers', means: 'appends under way at a time', standard: 8 },
    { name: 'batch', means: 'events of an append', standard: 1 },
    { name: 'seconds', means: 'how long one round takes', standard: 4 },
  ],
  measure: async (stage, parameters) => {
    const [writers, batch] = [numberOf(parameters, 'writers'), numberOf(parameters, 'batch')];
    const ms = numberOf(parameters, 'seconds') * 1_000;
    return withLog(stage.stack.databaseUrl, async (log) => {
      if (stage.warmUp > 0) await appending(log, { writers, batch, ms: ms / 4, round: 0 });
      return measureRounds(stage, 'eventsPerSecond', (round) =>
        appending(log, { writers, batch, ms, round }),
      );
    });
  },
};

interface Appending {
  readonly writers: number;
  readonly batch: number;
  readonly ms: number;
  readonly round: number;
}

async function appending(log: EventLog, { writers, batch, ms, round }: Appending): Promise<Round> {
  const latencies: number[] = [];
  const began = performance.now();
  const write = async (writer: number) => {
    for (let turn = 0; performance.now() - began < ms; turn += 1) {
      const stream = `bench-${round}-${writer}-${Math.floor(turn / APPENDS_OF_A_STREAM)}`;
      const expectedVersion = (turn % APPENDS_OF_A_STREAM) * batch;
      const asked = performance.now();
      await log.append({ stream, expectedVersion, events: Array.from({ length: batch }, event) });
      latencies.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  return { count: latencies.length * batch, ms: performance.now() - began, latencies };
}

const metadata = {
  commandId: 'bench',
  correlationId: 'bench',
  actor: { kind: 'service' as const, id: 'bench' },
};

/** About as large as the end of a small step. */
const data = {
  runId: 'aaaaaaaaaaaaaaaa-g1-collect-a1',
  step: 'collect',
  attempt: 1,
  result: {
    outcome: 'success',
    exitCode: 0,
    durationMs: 1234,
    tokens: { input: 812, output: 301 },
  },
  artifacts: [
    { path: 'commits.txt', digest: `sha256:${'0123456789abcdef'.repeat(4)}`, bytes: 5120 },
  ],
  note: 'what the program said last, in a line that is as long as such lines usually are',
};

const event = () => ({ id: uuidV7(), type: 'BenchNoted', schemaVersion: 1, data, metadata });
