/** What flies together through the publish window (`publish-window.ts`, W6). */

export interface Message {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly block: Uint8Array;
  /** With what it may share an acknowledgement: the name of its stream. */
  readonly together: string | undefined;
  readonly began: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Messages that are published, acknowledged and given up together; the first is the eldest. */
export interface Flight {
  readonly messages: [Message, ...Message[]];
  bytes: number;
  /** How often it was published. */
  times: number;
  /** How often of these since something was last heard of it, or of the connection. */
  silentTimes: number;
  publishedAt: number;
  /** The streams were made again for it once. */
  healed: boolean;
  trouble: string;
}

/** An error of its acknowledgement costs all of a flight another try, so it stays small. */
const MOST_MESSAGES = 64;
const MOST_BYTES = 256 * 1024;

export const sizeOf = ({ body, block }: Message): number => body.length + block.length;

export const mayShare = (message: Message): boolean =>
  message.together !== undefined && sizeOf(message) <= MOST_BYTES;

export const isFull = ({ messages, bytes }: Flight): boolean =>
  messages.length >= MOST_MESSAGES || bytes >= MOST_BYTES;

export function flightOf(message: Message): Flight {
  return {
    messages: [message],
    bytes: sizeOf(message),
    ...{ times: 0, silentTimes: 0, publishedAt: performance.now(), healed: false },
    trouble: 'nothing was heard from the server',
  };
}

export function saying(message: Message, trouble: string): string {
  const ms = Math.round(performance.now() - message.began);
  return (
    `a message to ${message.subject} was not stored within ${ms} ms: ${trouble}. ` +
    'It may be stored all the same: send it again with the same id'
  );
}
