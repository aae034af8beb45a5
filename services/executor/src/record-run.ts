/**
 * Writes the ends of runs down. Owns that a result once made is not lost while the log is away, and
 * that a run which ended earlier is told again to whoever asks.
 */
import {
  canonicalJson,
  isRefusal,
  pause,
  streamOf,
  type Clock,
  type EventMetadata,
  type RecordedEvent,
  type RunEnded,
} from '@writ/contracts';
import type { RunCommand, RunState } from '@writ/domain';
import { LogBusy, LogUnavailable } from '@writ/event-log';
import type { Incoming } from '@writ/messaging';
import { messageOf } from '@writ/service-host';
import type { Executor } from './executor';

const LONGEST_MS = 600_000;
const LONGEST_PAUSE_MS = 2_000;

/** Tries again while the log cannot be reached, for a bounded time; appending is idempotent. */
async function surely<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const began = clock.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const away = error instanceof LogUnavailable || error instanceof LogBusy;
      if (!away || clock.now() - began > LONGEST_MS) throw error;
      await pause(clock, Math.min(50 * 2 ** attempt, LONGEST_PAUSE_MS));
    }
  }
}

/** Decides and appends. Undefined when the run belongs to somebody else by now. */
export async function recordRun(
  deps: Executor,
  runId: string,
  command: RunCommand,
  metadata: EventMetadata,
): Promise<RunState | undefined> {
  const stream = streamOf.run(runId);
  const handled = await surely(deps.clock, () => deps.runs.handle(stream, command, metadata));
  if (isRefusal(handled)) {
    deps.logger.warn({ runId, refused: handled.refused }, handled.message);
    return undefined;
  }
  const ended = handled.events.find((event) => event.type === 'RunEnded');
  if (ended !== undefined) noteEnd(deps, ended.data as RunEnded, ended.position);
  return handled.state;
}

/**
 * Claims and ends runs, each in one append, without reading their streams before. Says how many of
 * them, from the first on, are on record; the next one has begun or ended already.
 */
export async function recordInOrder(
  deps: Executor,
  ends: readonly RunEnded[],
  metadata: EventMetadata,
): Promise<number> {
  const appends = ends.map((ended) => {
    const event = { id: deps.newId(), type: 'RunEnded', schemaVersion: 1, data: ended, metadata };
    return { stream: streamOf.run(ended.runId), expectedVersion: 0, events: [event] };
  });
  const stored = await surely(deps.clock, () => deps.log.appendInOrder(appends));
  stored.forEach(([event], at) => noteEnd(deps, ends[at] as RunEnded, event?.position ?? 0));
  return stored.length;
}

function noteEnd({ cache, metrics }: Executor, ended: RunEnded, position: number): void {
  const adapter = ended.adapter.kind as 'echo';
  metrics.attempts.inc({ adapter, outcome: ended.result });
  metrics.runSeconds.observe({ adapter }, ended.durationMs / 1000);
  if (ended.result === 'success') cache.succeeded(ended, position);
}

/** The end of a run, for whoever rang again. False when it has not ended. */
export async function tellAgain(
  deps: Pick<Executor, 'log' | 'bus'>,
  runId: string,
  message: Incoming,
): Promise<boolean> {
  const [last] = await deps.log.lastEvents([streamOf.run(runId)]);
  if (last?.type !== 'RunEnded') return false;
  await sendAgain(deps.bus, last, message.attributes.id);
  return true;
}

/** With another message id: within its window NATS would take it for the first one. */
export async function sendAgain(
  bus: Executor['bus'],
  event: RecordedEvent,
  because: string,
): Promise<void> {
  const message = messageOf(event, canonicalJson(event.data), '/writ/executor');
  await bus.send({ ...message, messageId: `${event.id}-for-${because}` });
}
