/**
 * The form of a dead letter: why a message could not be handled, and the message itself, byte for
 * byte, so that it can be sent again.
 */
import { MAX_INLINE_BYTES, subjects, TerminalError } from '@writ/contracts';
import type { ClaimCheck } from './bus';
import { checkIn, datarefOf } from './claim-check';
import type { Delivery } from './delivery';
import type { Headers } from './wire';

export type DeadReason = 'malformed' | 'rejected' | 'exhausted' | 'unknown-subject';

/** Stored form; never rename, add. */
export interface DeadLetter {
  readonly reason: DeadReason;
  readonly error: {
    readonly name: string;
    readonly message: string;
    readonly code?: string;
    readonly details?: unknown;
  };
  /** Where the original was published, with which headers. */
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of the original, or the digest under which it is kept. */
  readonly bodyBase64?: string;
  readonly dataref?: string;
  /** Only where no claim check was there to keep a large body: how many bytes are missing here. */
  readonly bodyBytesCut?: number;
  /** Only of a message with headers beyond all measure: how many are missing here. */
  readonly headersCut?: number;
  readonly deliveryCount: number;
  readonly consumer: string;
  readonly at: string;
}

const MAX_MESSAGE_LENGTH = 4_000;
const MAX_DETAILS_LENGTH = 16_000;
const MAX_HEADERS_LENGTH = 64_000;
/** Without a claim check: what still goes into one message of the server, as base64. */
const MAX_KEPT_BYTES = 640 * 1024;

export async function deadLetterOf(
  delivery: Delivery,
  consumer: string,
  reason: DeadReason,
  error: unknown,
  at: string,
  claimCheck: ClaimCheck | undefined,
): Promise<DeadLetter> {
  return {
    reason,
    error: describeError(error),
    subject: delivery.subject,
    ...headersOfOriginal(delivery.headers),
    ...(await bodyOf(delivery.headers, delivery.body, claimCheck)),
    deliveryCount: delivery.deliveryCount,
    consumer,
    at,
  };
}

function headersOfOriginal(all: Headers): Pick<DeadLetter, 'headers' | 'headersCut'> {
  const headers: Record<string, string> = {};
  let room = MAX_HEADERS_LENGTH;
  let kept = 0;
  for (const [name, value] of all) {
    room -= name.length + value.length;
    if (room < 0) break;
    Object.defineProperty(headers, name, { value, enumerable: true });
    kept += 1;
  }
  return kept === all.size ? { headers } : { headers, headersCut: all.size - kept };
}

async function bodyOf(headers: Headers, body: Uint8Array, claimCheck: ClaimCheck | undefined) {
  const travels = datarefOf(headers);
  if (travels !== undefined && body.length === 0) return { dataref: travels };
  const parcel = await checkIn(body, claimCheck, MAX_INLINE_BYTES / 2, Infinity);
  if (parcel.dataref !== undefined) return { dataref: parcel.dataref };
  const kept = Buffer.from(body.subarray(0, MAX_KEPT_BYTES)).toString('base64');
  const cut = body.length - MAX_KEPT_BYTES;
  return cut > 0 ? { bodyBase64: kept, bodyBytesCut: cut } : { bodyBase64: kept };
}

/** An error as it is kept and answered: bounded, and JSON whatever it holds. */
export function describeError(error: unknown): DeadLetter['error'] {
  if (!(error instanceof Error)) {
    return { name: 'NotAnError', message: cut(String(error)) };
  }
  const issues = issuesOf(error);
  const code = error instanceof TerminalError ? error.code : undefined;
  const details = boundedJson(issues ?? (error as { details?: unknown }).details);
  return {
    name: error.name,
    message: cut(issues ? sentenceOf(issues) : error.message),
    ...(code === undefined ? {} : { code }),
    ...(details === undefined ? {} : { details }),
  };
}

interface Issue {
  readonly path?: readonly unknown[];
  readonly message?: string;
}

/** A schema error lists what is wrong; its own message is that list as JSON. */
function issuesOf(error: Error): readonly Issue[] | undefined {
  const { issues } = error as { issues?: unknown };
  return Array.isArray(issues) ? (issues as Issue[]) : undefined;
}

function sentenceOf(issues: readonly Issue[]): string {
  const said = issues
    .slice(0, 5)
    .map((issue) => `/${(issue.path ?? []).map(String).join('/')}: ${issue.message ?? 'is wrong'}`);
  const more = issues.length > 5 ? `; and ${issues.length - 5} more` : '';
  return `the message does not fit its schema: ${said.join('; ')}${more}`;
}

function boundedJson(value: unknown): unknown {
  if (value === undefined) return undefined;
  try {
    const text = JSON.stringify(value);
    if (text === undefined || text.length <= MAX_DETAILS_LENGTH) return value;
    return `${text.slice(0, MAX_DETAILS_LENGTH)} ... (${text.length} characters)`;
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
}

function cut(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH
    ? message
    : `${message.slice(0, MAX_MESSAGE_LENGTH)} ... (${message.length} characters)`;
}

/** The dead letter as a message; what the original belongs to, it belongs to. */
export function burialOf(
  letter: DeadLetter,
  messageId: string,
  origin: Headers,
  service: string,
): { subject: string; headers: Headers; body: Uint8Array } {
  const headers = new Map<string, string>([
    ['ce-specversion', '1.0'],
    ['ce-id', messageId],
    ['ce-type', subjects.dead(letter.reason)],
    ['ce-source', `/writ/${service}`],
    ['ce-time', letter.at],
  ]);
  for (const name of ['ce-correlationid', 'traceparent']) {
    const value = origin.get(name);
    if (value !== undefined) headers.set(name, value);
  }
  headers.set('content-type', 'application/json');
  headers.set('Nats-Msg-Id', messageId);
  return {
    subject: subjects.dead(letter.reason),
    headers,
    body: Buffer.from(JSON.stringify(letter)),
  };
}
