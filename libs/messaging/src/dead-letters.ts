/**
 * The dead letters: to list, to look at, to send again. Owns the order in which a letter leaves:
 * its original is published and stored first, then the letter is deleted. The shelf under it is
 * NATS's stream or memory's.
 */
import { TerminalError } from '@writ/contracts';
import { claim, DATAREF_HEADER } from './claim-check';
import type { ClaimCheck } from './bus';
import { MalformedMessage } from './bus-errors';
import type { DeadLetter } from './dead-letter';
import { readJson } from './read-json';
import { noBytes } from './wire';
import type { Headers } from './wire';

/** A dead letter and its place. */
export interface KeptLetter extends DeadLetter {
  /** ce-id of the letter. */
  readonly id: string;
  /** Its place in the stream; a higher one is newer. */
  readonly sequence: number;
}

export interface StoredMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The stream of dead letters, as far as it is needed here. */
export interface Shelf {
  bounds(): Promise<{ readonly first: number; readonly last: number }>;
  /** Undefined when there is none with this sequence (any more). */
  read(sequence: number): Promise<StoredMessage | undefined>;
  remove(sequence: number): Promise<void>;
  /** Into the stream of the subject; resolves when it is stored. */
  publish(subject: string, body: Uint8Array, headers: Headers): Promise<void>;
}

/** Looked through at most, so that a lookup by id ends. */
const MAX_SEARCHED = 10_000;
const READ_AT_ONCE = 16;
/** The code of what somebody else put into the stream. */
const NOT_A_LETTER = 'not_a_letter';

export class DeadLetters {
  constructor(
    private readonly shelf: Shelf,
    private readonly claimCheck: ClaimCheck | undefined,
  ) {}

  /** Newest first; `after` is the sequence of the last one seen. */
  async list(options: { limit?: number; after?: number } = {}): Promise<KeptLetter[]> {
    const limit = Math.min(Math.max(options.limit ?? 50, 1), 1_000);
    const letters: KeptLetter[] = [];
    for await (const letter of this.downwards(options.after)) {
      letters.push(letter);
      if (letters.length === limit) break;
    }
    return letters;
  }

  /** By its sequence or its id; undefined when there is none (among the newest 10,000). */
  async find(idOrSequence: string | number): Promise<KeptLetter | undefined> {
    const sequence = Number(idOrSequence);
    if (Number.isSafeInteger(sequence)) {
      const stored = sequence > 0 ? await this.shelf.read(sequence) : undefined;
      return stored && letterOf(stored);
    }
    let searched = 0;
    for await (const letter of this.downwards()) {
      if (letter.id === idOrSequence) return letter;
      searched += 1;
      if (searched === MAX_SEARCHED) break;
    }
    return undefined;
  }

  /** The bytes of the original. */
  async bodyOf(letter: DeadLetter): Promise<Uint8Array> {
    if (letter.dataref !== undefined) return claim(letter.dataref, this.claimCheck);
    return Buffer.from(letter.bodyBase64 ?? '', 'base64');
  }

  /**
   * Publishes the original again, where and as it was, and deletes the letter. It gets a message id
   * of its own: under its old one the stream would take it for the message it already had.
   */
  async replay(idOrSequence: string | number): Promise<KeptLetter> {
    const letter = await this.find(idOrSequence);
    if (!letter) {
      throw new TerminalError('not_found', `there is no dead letter ${idOrSequence}`);
    }
    if (letter.error.code === NOT_A_LETTER) {
      throw new TerminalError('not_available', `${letter.error.message}: there is nothing to send`);
    }
    if (letter.bodyBytesCut !== undefined) {
      throw new TerminalError(
        'not_available',
        `${letter.bodyBytesCut} bytes of the original were not kept: send it again from its source`,
      );
    }
    const headers = new Map<string, string>();
    for (const [name, value] of Object.entries(letter.headers)) {
      if (!isOfServer(name)) headers.set(name, value);
    }
    headers.set('Nats-Msg-Id', `replay-${letter.sequence}-${letter.id}`);
    const body = await this.originalBody(letter, headers);
    await this.shelf.publish(letter.subject, body, headers);
    await this.shelf.remove(letter.sequence);
    return letter;
  }

  /** A body that travelled by digest does so again; one that was put away here comes back inline. */
  private async originalBody(
    letter: KeptLetter,
    headers: Map<string, string>,
  ): Promise<Uint8Array> {
    if (letter.dataref === undefined) return this.bodyOf(letter);
    headers.set(DATAREF_HEADER, letter.dataref);
    return noBytes;
  }

  /** In steps of several at a time; sequences of deleted letters are skipped. */
  private async *downwards(after?: number): AsyncGenerator<KeptLetter> {
    const { first, last } = await this.shelf.bounds();
    let next = Math.min(last, after === undefined ? last : after - 1);
    while (next >= first && next > 0) {
      const step: Promise<StoredMessage | undefined>[] = [];
      for (; next >= first && next > 0 && step.length < READ_AT_ONCE; next -= 1) {
        step.push(this.shelf.read(next));
      }
      for (const stored of await Promise.all(step)) if (stored) yield letterOf(stored);
    }
  }
}

/** What is no letter of ours is shown as one, so that it hides none of the others. */
function letterOf({ sequence, subject, headers, body }: StoredMessage): KeptLetter {
  const place = { id: headers.get('ce-id') ?? '', sequence };
  try {
    const letter = readJson(body);
    if (isLetter(letter)) return { ...letter, ...place };
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
  }
  const message = `the message ${sequence} in the stream of dead letters is not one of Writ`;
  return {
    ...place,
    reason: 'malformed',
    error: { name: 'NotALetter', code: NOT_A_LETTER, message },
    subject,
    headers: Object.fromEntries(headers),
    bodyBase64: Buffer.from(body).toString('base64'),
    deliveryCount: 0,
    consumer: '',
    at: '',
  };
}

/** Has what everybody reads of one. */
function isLetter(value: unknown): value is DeadLetter {
  const { reason, error, subject, at } = (value ?? {}) as Partial<DeadLetter>;
  return [reason, error?.message, subject, at].every((text) => typeof text === 'string');
}

/** The old message id, and what the server set on the way: not for another message. */
function isOfServer(name: string): boolean {
  return name.startsWith('nats-');
}
