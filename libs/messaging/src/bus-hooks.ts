/**
 * What a process gives its bus besides an address: somewhere to write, something to count with, a
 * clock. The shapes fit pino and any metrics library; this library knows neither.
 */
import type { DeadReason } from './dead-letter';
import type { Outcome } from './delivery';

export { systemClock, type Clock } from '@writ/contracts';

/** As pino has it: what it is about first, then a sentence. */
export interface BusLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = () => undefined;
export const silentLogger: BusLogger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};

/** Labels are names of consumers and streams and closed lists, never ids. */
export interface BusMetrics {
  /** A message was stored by its stream, or was not within the deadline; from send to ack. */
  sent?(outcome: 'stored' | 'failed', ms: number): void;
  /** A delivery has ended, so many milliseconds after its reaction could begin. */
  delivered?(consumer: string, outcome: Outcome, ms: number): void;
  /** A delivery came in that is not the first of its message. */
  redelivered?(consumer: string): void;
  deadLettered?(consumer: string, reason: DeadReason): void;
  /** How many messages wait for the consumer, as the server said last. */
  pending?(consumer: string, count: number): void;
  /** A stream or consumer was lost and made again, or found altered and set right. */
  healed?(name: string): void;
}
