/**
 * Messages as bytes, without streams: publish, subscribe, and an inbox for replies. NATS is one
 * (`nats-wire.ts`), memory the other (`memory-server.ts`); questions and answers run over both.
 */
import { TerminalError } from '@writ/contracts';

/** As they stand on the wire, by lower-case name; of repeated ones the first counts. */
export type Headers = ReadonlyMap<string, string>;

export interface WireMessage {
  readonly subject: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Where the sender waits for a reply; empty when it does not. */
  readonly replyTo: string;
  /** The server says that nobody listens to what was published with this reply subject. */
  readonly unheard: boolean;
}

export interface WireSubscription {
  /** Takes no more; resolves when all that was under way to it has been heard. */
  drain(): Promise<void>;
}

export interface Wire {
  /** The largest body with its headers, in bytes, that the server takes. */
  readonly maxPayload: number;
  /** A subject root of this process alone. */
  readonly inbox: string;
  publish(subject: string, body: Uint8Array, headers?: Headers, replyTo?: string): void;
  /** Of all who subscribe with the same group, one hears each message. `heard` must not throw. */
  subscribe(
    subject: string,
    group: string | undefined,
    heard: (message: WireMessage) => void,
  ): WireSubscription;
  /** Resolves when the server knows of every subscription that was made before. */
  flush(): Promise<void>;
}

export const noHeaders: Headers = new Map();
export const noBytes = new Uint8Array(0);

const PLAIN = /^[!-)+-=?-~]+$/;

/** A subject that one message can be published to: printable ASCII, no wildcard, no empty token. */
function isPlainSubject(subject: string): boolean {
  return (
    subject.length <= 512 &&
    PLAIN.test(subject) &&
    !subject.startsWith('.') &&
    !subject.endsWith('.') &&
    !subject.includes('..')
  );
}

/** Throws a TerminalError: a bad subject would break the connection for everybody in the process. */
export function checkSubject(subject: string): void {
  if (isPlainSubject(subject)) return;
  throw new TerminalError(
    'bad-subject',
    `${JSON.stringify(subject)} is no subject to publish to: give dotted names of printable ASCII`,
  );
}

/**
 * A reply subject is chosen by whoever sends. It may be any plain subject but those where an answer
 * would be taken for something else: the server's own (`$...`) and Writ's.
 */
export function isReplySubject(subject: string): boolean {
  return isPlainSubject(subject) && !subject.startsWith('$') && !subject.startsWith('writ.');
}

/** Whether a subject falls under a pattern with `*` (one token) and a final `>` (one or more). */
export function matchesSubject(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  for (let index = 0; index < wanted.length; index += 1) {
    if (wanted[index] === '>') return tokens.length > index;
    if (index >= tokens.length) return false;
    if (wanted[index] !== '*' && wanted[index] !== tokens[index]) return false;
  }
  return wanted.length === tokens.length;
}
