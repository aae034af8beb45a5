/**
 * Questions and their answers over a wire: owns the inbox of a process, what an answer, a sign of
 * progress and an error look like, and when nothing came in time. Both sides of `query` are here;
 * the answer to a command (`ask`) arrives in the same inbox.
 */
import type { ClaimCheck, QueryHandler, QueryOptions, Subscription } from './bus';
import { QueryError, TimeoutError } from './bus-errors';
import type { BusLogger, Clock } from './bus-hooks';
import { checkIn, claim, DATAREF_HEADER, datarefOf, HEADROOM_BYTES } from './claim-check';
import { describeError } from './dead-letter';
import { readJson } from './read-json';
import { checkSubject, noHeaders } from './wire';
import type { Headers, Wire, WireMessage } from './wire';

/** On a message that is no answer yet. */
export const PROGRESS_HEADER = 'writ-progress';
/** On an answer that is an error; its value is the code. */
export const ERROR_HEADER = 'writ-error';

const DEFAULT_TIMEOUT_MS = 5_000;
/** Queries at a time of one process on one subject; the next is told so at once. */
const MAX_ANSWERING = 256;

interface Waiting {
  readonly what: string;
  readonly timeoutMs: number;
  readonly onProgress: ((progress: unknown) => void) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  cancel: () => void;
}

export interface Reply {
  readonly subject: string;
  readonly answer: Promise<unknown>;
  /** Ends the waiting; `answer` rejects with the error. */
  fail(error: Error): void;
}

export class Requests {
  private readonly root: string;
  private readonly waiting = new Map<string, Waiting>();
  private count = 0;
  private listening = false;

  constructor(
    private readonly wire: Wire,
    private readonly clock: Clock,
    private readonly claimCheck: ClaimCheck | undefined,
  ) {
    this.root = `${wire.inbox}.r.`;
  }

  async query(subject: string, data: unknown, options: QueryOptions = {}): Promise<unknown> {
    checkSubject(subject);
    const { timeoutMs = DEFAULT_TIMEOUT_MS, onProgress } = options;
    const question = await this.pack(data);
    const reply = this.open(subject, timeoutMs, onProgress);
    try {
      this.wire.publish(subject, question.body, question.headers, reply.subject);
    } catch (error) {
      reply.fail(error as Error); // nothing will come, and nobody is to wait for it
    }
    return reply.answer;
  }

  /** A subject on which one answer is awaited, for so long after the last sign of life. */
  open(what: string, timeoutMs: number, onProgress?: (progress: unknown) => void): Reply {
    this.listen();
    this.count += 1;
    const token = this.count.toString(36);
    const answer = new Promise<unknown>((resolve, reject) => {
      const entry = { what, timeoutMs, onProgress, resolve, reject, cancel: () => undefined };
      this.waiting.set(token, entry);
      this.arm(token, entry);
    });
    return { subject: this.root + token, answer, fail: (error) => this.take(token)?.reject(error) };
  }

  close(reason: string): void {
    for (const token of [...this.waiting.keys()]) {
      this.take(token)?.reject(new QueryError('closed', reason));
    }
  }

  private listen(): void {
    if (this.listening) return;
    this.listening = true;
    this.wire.subscribe(`${this.root}*`, undefined, (message) => this.heard(message));
  }

  private arm(token: string, entry: Waiting): void {
    entry.cancel();
    entry.cancel = this.clock.after(entry.timeoutMs, () => {
      const error = new TimeoutError(
        `no answer to ${entry.what} within ${entry.timeoutMs} ms; it may still be carried out`,
      );
      this.take(token)?.reject(error);
    });
  }

  private take(token: string): Waiting | undefined {
    const entry = this.waiting.get(token);
    entry?.cancel();
    this.waiting.delete(token);
    return entry;
  }

  private heard(message: WireMessage): void {
    const token = message.subject.slice(this.root.length);
    const entry = this.waiting.get(token);
    if (!entry) return; // answered or given up before
    if (message.unheard) {
      this.take(token)?.reject(new QueryError('unavailable', nobody(entry.what)));
    } else if (message.headers.has(PROGRESS_HEADER)) {
      this.arm(token, entry);
      entry.onProgress?.(readJson(message.body));
    } else {
      this.take(token);
      unpack(message, this.claimCheck).then(
        (value) => settle(entry, value, message.headers),
        (error: Error) => entry.reject(error),
      );
    }
  }

  private async pack(data: unknown): Promise<{ body: Uint8Array; headers: Headers }> {
    return packJson(data ?? null, this.wire, this.claimCheck);
  }
}

/** Answers what is asked on a subject; of all processes of the service, one answers each. */
export function answerOn(
  wire: Wire,
  subject: string,
  handler: QueryHandler,
  options: { claimCheck: ClaimCheck | undefined; logger: BusLogger },
): Subscription {
  const { claimCheck, logger } = options;
  const answering = new Set<Promise<void>>();
  const group = subject.split('.')[2] ?? subject;
  const subscription = wire.subscribe(subject, group, (question) => {
    if (question.replyTo === '') return; // nobody waits for what would be answered
    const work = answerOne(question).catch((error: unknown) => {
      logger.error({ subject, err: error }, 'a query could not be answered');
    });
    answering.add(work);
    void work.then(() => answering.delete(work));
  });

  async function answerOne(question: WireMessage): Promise<void> {
    const say = (body: unknown, header: string, value: string) => {
      const bytes = Buffer.from(JSON.stringify(body) ?? 'null');
      wire.publish(question.replyTo, bytes, new Map([[header, value]]));
    };
    try {
      if (answering.size >= MAX_ANSWERING) {
        throw new QueryError('busy', `${answering.size} queries to ${subject} are under way`);
      }
      const data = await unpack(question, claimCheck);
      const value = await handler(data, (state) => say(state ?? null, PROGRESS_HEADER, '1'));
      const answer = await packJson(value ?? null, wire, claimCheck);
      wire.publish(question.replyTo, answer.body, answer.headers);
    } catch (error) {
      const { message, details } = describeError(error);
      const code = codeOf(error);
      if (code === 'internal') logger.error({ subject, err: error }, 'a query failed');
      say({ error: { code, message, details } }, ERROR_HEADER, code);
    }
  }

  return {
    close: async () => {
      await subscription.drain();
      await Promise.all(answering);
    },
  };
}

/** JSON as the body of a message, or kept elsewhere when the server does not take so much. */
export async function packJson(
  value: unknown,
  wire: Wire,
  claimCheck: ClaimCheck | undefined,
): Promise<{ body: Uint8Array; headers: Headers }> {
  const limit = wire.maxPayload - HEADROOM_BYTES;
  const parcel = await checkIn(Buffer.from(JSON.stringify(value)), claimCheck, limit, limit);
  if (parcel.dataref === undefined) return { body: parcel.body, headers: noHeaders };
  return { body: parcel.body, headers: new Map([[DATAREF_HEADER, parcel.dataref]]) };
}

async function unpack(message: WireMessage, claimCheck: ClaimCheck | undefined): Promise<unknown> {
  const dataref = datarefOf(message.headers);
  return readJson(dataref === undefined ? message.body : await claim(dataref, claimCheck));
}

interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly details?: unknown };
}

function settle(entry: Waiting, value: unknown, headers: Headers): void {
  if (!headers.has(ERROR_HEADER) && !isErrorBody(value)) return entry.resolve(value);
  const { error } = value as Partial<ErrorBody>;
  const code = error?.code ?? headers.get(ERROR_HEADER) ?? 'internal';
  entry.reject(new QueryError(code, error?.message ?? 'without a message', error?.details));
}

/** For answers of strangers, who may not know the header: an object that is an error and no more. */
function isErrorBody(value: unknown): value is ErrorBody {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.keys(value).join() !== 'error') return false;
  const { error } = value as { error: unknown };
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}

function codeOf(error: unknown): string {
  const { code, issues } = error as { code?: unknown; issues?: unknown };
  if (Array.isArray(issues)) return 'malformed'; // a question that does not fit its schema
  return typeof code === 'string' && /^[a-z][a-z0-9_-]{0,63}$/.test(code) ? code : 'internal';
}

function nobody(subject: string): string {
  const service = subject.split('.')[2];
  return `nobody answers ${subject}: is the service ${service ?? 'behind it'} running?`;
}
