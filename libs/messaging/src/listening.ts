/**
 * Hearing what passes by: broadcasts, and messages on their way into a stream. Nothing is kept for
 * a listener; what it cannot take is logged and gone.
 */
import type { Attributes, ClaimCheck, Subscription } from './bus';
import type { BusLogger } from './bus-hooks';
import { claim, datarefOf } from './claim-check';
import { attributesOf } from './cloud-events';
import type { Wire, WireMessage } from './wire';

export function hearBroadcasts(
  wire: Wire,
  subject: string,
  heard: (subject: string, bytes: Uint8Array, attributes?: Attributes) => void,
  options: { claimCheck: ClaimCheck | undefined; logger: BusLogger },
): Subscription {
  const missed = (message: WireMessage, error: unknown) => {
    options.logger.warn({ subject: message.subject, err: error }, 'a message was not heard');
  };
  /** Never throws: what a listener does not bear must not end those beside it. */
  const tell = (message: WireMessage, bytes: Uint8Array) => {
    try {
      const { headers } = message;
      const isEvent = headers.has('ce-id');
      heard(
        message.subject,
        bytes,
        isEvent ? attributesOf(headers, message.subject, () => '') : undefined,
      );
    } catch (error) {
      missed(message, error);
    }
  };
  const subscription = wire.subscribe(subject, undefined, (message) => {
    const dataref = datarefOf(message.headers);
    if (dataref === undefined) return tell(message, message.body);
    // A body that is elsewhere comes a little later than what followed it.
    claim(dataref, options.claimCheck).then(
      (bytes) => tell(message, bytes),
      (error: unknown) => missed(message, error),
    );
  });
  return { close: () => subscription.drain() };
}
