/** One request and its answer, with addresses that are chosen already; follows nothing. */
import type { LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { OutboundResponse } from './outbound';
import { OutboundTrouble } from './outbound-trouble';

export interface Exchange {
  readonly url: URL;
  /** At least one. */
  readonly addresses: readonly LookupAddress[];
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

const HEADER_BYTES = 64 * 1024;

export async function exchange(asked: Exchange): Promise<Omit<OutboundResponse, 'url'>> {
  try {
    const answer = await answerTo(asked);
    const { body, truncated } = await bodyOf(answer, asked.maxBytes);
    const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
    return {
      status: answer.statusCode ?? 0,
      headers: Object.fromEntries(headers),
      body,
      truncated,
    };
  } catch (error) {
    asked.signal.throwIfAborted();
    if (error instanceof OutboundTrouble) throw error;
    const { host } = asked.url;
    const message = `there was no answer from ${host}: ${reasonOf(error)}`;
    throw new OutboundTrouble('unreachable', message);
  }
}

function answerTo(asked: Exchange): Promise<IncomingMessage> {
  const { url, method, body, signal } = asked;
  const options: RequestOptions = {
    method,
    headers: {
      'user-agent': 'writ',
      accept: '*/*',
      ...asked.headers,
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
    // A connection of its own: none that was opened for another name is used again.
    agent: false,
    lookup: answering(asked.addresses),
    maxHeaderSize: HEADER_BYTES,
    signal,
  };
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((answered, failed) => {
    try {
      request(url, options, answered).on('error', failed).end(body);
    } catch (error) {
      // Header names and values, and methods, are looked at by node itself.
      failed(
        new OutboundTrouble('invalid', error instanceof Error ? error.message : String(error)),
      );
    }
  });
}

/** Names are resolved already: the connection gets what was allowed, whatever it asks for. */
const answering =
  (addresses: readonly LookupAddress[]): LookupFunction =>
  (_name, options, callback) => {
    const [first] = addresses;
    if (options.all === true || first === undefined) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };

async function bodyOf(
  answer: IncomingMessage,
  maxBytes: number,
): Promise<{ body: Buffer; truncated: boolean }> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop ends the connection.
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece.subarray(0, maxBytes - bytes));
    bytes += piece.length;
    if (bytes > maxBytes) break;
  }
  return { body: Buffer.concat(pieces), truncated: bytes > maxBytes };
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
