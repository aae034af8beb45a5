/**
 * The claim check: bytes too large for a message are kept elsewhere, and their digest travels in the
 * header `ce-dataref`. Owns when that happens; where the bytes are is the content store's.
 */
import { TerminalError } from '@writ/contracts';
import type { ClaimCheck } from './bus';
import { MalformedMessage } from './bus-errors';
import { noBytes } from './wire';
import type { Headers } from './wire';

export const DATAREF_HEADER = 'ce-dataref';
/** Left free of the server's limit for the headers of a message. */
export const HEADROOM_BYTES = 16 * 1024;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export interface Parcel {
  readonly body: Uint8Array;
  readonly dataref?: string;
}

/**
 * Puts a body away when it has more than `inlineBytes`. Without a claim check it stays in the
 * message as long as the server takes it; beyond `limitBytes` that is a TerminalError.
 */
export async function checkIn(
  body: Uint8Array,
  claimCheck: ClaimCheck | undefined,
  inlineBytes: number,
  limitBytes: number,
): Promise<Parcel> {
  if (body.length <= inlineBytes) return { body };
  if (claimCheck) return { body: noBytes, dataref: await claimCheck.put(body) };
  if (body.length <= limitBytes) return { body };
  throw new TerminalError(
    'too-large',
    `the message has ${body.length} bytes and the server takes ${limitBytes}: ` +
      'connect the bus with a claim check, which keeps large bodies elsewhere',
  );
}

/** The body of a message, from wherever it is. Fails like any other fetch when it is not there. */
export async function claim(
  dataref: string,
  claimCheck: ClaimCheck | undefined,
): Promise<Uint8Array> {
  if (!DIGEST.test(dataref)) {
    throw new MalformedMessage(
      `the header ${DATAREF_HEADER} is ${JSON.stringify(dataref.slice(0, 100))}, not a digest`,
    );
  }
  if (!claimCheck) {
    throw new Error(
      `the body of the message is kept as ${dataref}, and this process has no claim check: ` +
        'connect its bus with one',
    );
  }
  return claimCheck.get(dataref);
}

/** The digest that a message travels by, if it does. */
export function datarefOf(headers: Headers): string | undefined {
  return headers.get(DATAREF_HEADER);
}
