/** The stream of dead letters in NATS, as `dead-letters.ts` wants it. */
import { streams } from '@writ/contracts';
import { NatsError } from 'nats';
import type { JetStreamManager, StoredMsg } from 'nats';
import type { Shelf, StoredMessage } from './dead-letters';
import { headerBlock, headersOfMsg } from './nats-wire';
import type { PublishWindow } from './publish-window';

const NO_MESSAGE_FOUND = 10037;
const NO_STREAM_FOUND = 10059;
const { name: stream } = streams.dead;

export function jetStreamShelf(jsm: JetStreamManager, window: PublishWindow): Shelf {
  return {
    bounds: async () => {
      const info = await orUndefined(jsm.streams.info(stream));
      return { first: info?.state.first_seq ?? 1, last: info?.state.last_seq ?? 0 };
    },
    read: async (sequence) => {
      const stored = await orUndefined(jsm.streams.getMessage(stream, { seq: sequence }));
      return stored && messageOf(stored);
    },
    remove: async (sequence) => {
      await orUndefined(jsm.streams.deleteMessage(stream, sequence));
    },
    publish: (subject, body, headers) => window.send(subject, body, headerBlock(headers)),
  };
}

function messageOf({ seq: sequence, subject, header, data: body }: StoredMsg): StoredMessage {
  return { sequence, subject, headers: headersOfMsg({ headers: header, data: body }), body };
}

/** Somebody else may have deleted it, or the stream, in the meantime. */
async function orUndefined<T>(wanted: Promise<T>): Promise<T | undefined> {
  try {
    return await wanted;
  } catch (error) {
    const code = error instanceof NatsError ? error.api_error?.err_code : undefined;
    if (code === NO_MESSAGE_FOUND || code === NO_STREAM_FOUND) return undefined;
    throw error;
  }
}
