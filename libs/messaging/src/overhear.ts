/**
 * Messages of others: on subjects that are not Writ's, in whatever form. Owns how they are heard, once
 * by all processes of a name together; what is in them is the reaction's to judge.
 *
 * O1 Of a stream that has the subjects a durable consumer takes them, from its making on: nothing is
 *    lost while nobody listens, and a reaction that throws gets its message again, however often.
 * O2 On core NATS one of the group hears each message, and it is gone when nobody listens. A reaction
 *    that throws is tried again here, `TRIES` times; what waits is bounded, what comes beyond is lost.
 * O3 One message after the other, in each process.
 */
import { pause, type Clock } from '@writ/contracts';
import type { Subscription } from './bus';
import type { BusLogger } from './bus-hooks';
import type { Headers, Wire, WireMessage } from './wire';

export interface Foreign {
  /** A subject or a pattern. */
  readonly subject: string;
  /** Of the durable consumer, and of the group: who shares it shares the messages. */
  readonly name: string;
  /** Whose messages they are; without it they are heard on core NATS. */
  readonly stream?: string;
}

export interface Overheard {
  readonly subject: string;
  /** Names in lower case. */
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Names a stored message: the same on each delivery, never that of another one. */
  readonly origin?: string;
}

export type OverheardReaction = (message: Overheard) => Promise<void>;

/** O2 */
const TRIES = 6;
const FIRST_PAUSE_MS = 100;
const MOST_WAITING = 10_000;

/** On core NATS. */
export function overhearWire(
  wire: Wire,
  { subject, name }: Foreign,
  reaction: OverheardReaction,
  { clock, logger }: { readonly clock: Clock; readonly logger: BusLogger },
): Subscription {
  const waiting: WireMessage[] = [];
  let working = Promise.resolve();
  let busy = false;
  let lost = 0;
  const work = async () => {
    busy = true;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await tryOften(next);
    }
    busy = false;
  };
  const tryOften = async ({ subject: on, headers, body }: WireMessage) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await reaction({ subject: on, headers, body });
      } catch (error) {
        if (tries >= TRIES) {
          return logger.error({ subject: on, err: error }, 'a message of others is given up');
        }
        await pause(clock, FIRST_PAUSE_MS * 2 ** tries);
      }
    }
  };
  const subscription = wire.subscribe(subject, name, (message) => {
    if (waiting.length >= MOST_WAITING) {
      lost += 1;
      if (lost % 1_000 === 1)
        logger.warn({ subject, lost }, 'more messages come than can be taken');
      return;
    }
    waiting.push(message);
    if (!busy) working = work();
  });
  return {
    close: async () => {
      await subscription.drain();
      await working;
    },
  };
}
