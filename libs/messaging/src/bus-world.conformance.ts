/** What the suites of a bus stand on: the harness of an implementation, and messages to send. */
import { randomUUID } from 'node:crypto';
import type { ConsumerDefinition } from '@writ/contracts';
import { eventually } from '@writ/testing';
import type { Bus, ClaimCheck } from './bus';
import type { KeptLetter } from './dead-letters';

export interface BusHarness {
  /** A bus as another process would have it. */
  connect(name: string, claimCheck?: ClaimCheck): Promise<Bus>;
  /** Into a stream, as a client does that knows nothing of Writ. */
  publishRaw(subject: string, body: Uint8Array, headers?: Record<string, string>): Promise<void>;
  /** The process of a bus is gone from one moment to the next: it gives nothing back. */
  crash(bus: Bus): Promise<void>;
  stop(): Promise<void>;
}

/** A consumer of its own, on subjects of its own. */
export function someConsumer(changes: Partial<ConsumerDefinition> = {}): ConsumerDefinition {
  const name = `test-${randomUUID().slice(0, 8)}`;
  return {
    name,
    stream: 'WRIT_WORK',
    subject: `writ.work.${name}.>`,
    ackWaitMs: 30_000,
    maxDeliver: 5,
    purpose: 'a test',
    ...changes,
  };
}

export function subjectOf(consumer: ConsumerDefinition, last = 'one'): string {
  return consumer.subject.replace(/>$/, last).replace(/\*/g, 'any');
}

export function someMessage(subject: string, data: unknown = {}, id: string = randomUUID()) {
  const attributes = { id, type: 'writ.test', source: '/writ/test' };
  return { subject, dataText: JSON.stringify(data), attributes };
}

/** The newest dead letter of a consumer, once there is one. */
export async function letterFor(bus: Bus, consumer: ConsumerDefinition): Promise<KeptLetter> {
  const found = await eventually(
    async () => {
      const letters = await bus.deadLetters.list();
      return letters.find((letter) => letter.consumer === consumer.name) ?? false;
    },
    { what: 'the dead letter' },
  );
  return found as KeptLetter;
}

/** Takes data as it is. */
export const anything = (concurrency = 8) => ({ parse: (data: unknown) => data, concurrency });

/** What a suite gets: buses that are drained after each test, and a stranger's hand. */
export interface BusWorld {
  connect(name?: string, claimCheck?: ClaimCheck): Promise<Bus>;
  publishRaw: BusHarness['publishRaw'];
  crash: BusHarness['crash'];
}
