/**
 * How many events the log takes: `writers` append to streams of their own, each the next append
 * when the last one is answered. Measures what callers see; `npm run bench -- append` prints it.
 */
import { randomUUID } from 'node:crypto';
import type { NewEvent } from '@writ/contracts';
import type { EventLog } from './event-log';
import { uuidV7 } from './uuid-v7';

export interface AppendBenchOptions {
  readonly log: Pick<EventLog, 'append'>;
  readonly writers: number;
  /** Events of one append. */
  readonly batch: number;
  readonly durationMs: number;
}

export interface AppendBenchResult {
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** Of an append, in milliseconds. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export async function benchAppend(options: AppendBenchOptions): Promise<AppendBenchResult> {
  const { log, writers, batch, durationMs } = options;
  const run = randomUUID().slice(0, 8);
  const latencies: number[] = [];
  const began = performance.now();
  const write = async (writer: number) => {
    for (let version = 0; performance.now() - began < durationMs; version += batch) {
      const events = Array.from({ length: batch }, (_, index) => sample(version + index));
      const asked = performance.now();
      await log.append({ stream: `run-${run}-${writer}`, expectedVersion: version, events });
      latencies.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  const seconds = (performance.now() - began) / 1000;
  const events = latencies.length * batch;
  latencies.sort((a, b) => a - b);
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    events,
    seconds,
    eventsPerSecond: Math.round(events / seconds),
    latencyMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
  };
}

/** About as large as the events of a run: 400 bytes of data, 200 of metadata. */
function sample(number: number): NewEvent {
  return {
    id: uuidV7(),
    type: 'RunEnded',
    schemaVersion: 1,
    data: {
      runId: 'abcdefgh12345678-g1-collect-a1',
      result: 'success',
      bundleHash: `sha256:${'0123456789abcdef'.repeat(4)}`,
      number,
      outputs: [
        { path: 'commits.txt', digest: `sha256:${'fedcba9876543210'.repeat(4)}`, bytes: 1 },
      ],
      usage: { inputTokens: 1200, outputTokens: 340, costUsd: 0.0123 },
      text: 'What a step says about itself when it has come to its end.',
    },
    metadata: {
      commandId: 'abcdefgh12345678-g1-collect-a1',
      correlationId: 'abcdefgh12345678',
      actor: { kind: 'service', id: 'executor' },
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    },
  };
}
