/**
 * Open loop: directives come at a fixed rate, whether those before them have been answered or not, as
 * they do from a crowd that does not know of each other. Nobody who is refused comes again.
 */
import { randomUUID } from 'node:crypto';
import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Directives } from './directives';

/** One way in, for the body of a command that creates. */
export type Door = (text: string) => Promise<Answer>;

export type Answer =
  | { readonly kind: 'accepted'; readonly directiveId: string }
  /** Told when to come again. */
  | { readonly kind: 'refused'; readonly retryAfterMs: number }
  /** No answer, or one that is neither. */
  | { readonly kind: 'lost'; readonly why: string };

export interface Offered {
  readonly offered: number;
  readonly accepted: readonly string[];
  readonly refused: number;
  readonly lost: readonly string[];
  /** Of accepted and refused ones, until the answer. */
  readonly answerMs: readonly number[];
}

const TICK_MS = 10;
const ANSWER_LIMIT_MS = 15_000;
/** Below what the gateway takes. */
const MOST_SOCKETS = 1_500;

export async function offerLoad(
  door: Door,
  make: () => string,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Offered> {
  const accepted: string[] = [];
  const lost: string[] = [];
  const answerMs: number[] = [];
  let refused = 0;
  let offered = 0;
  const answers = new Set<Promise<void>>();
  const one = async () => {
    const began = performance.now();
    const answer = await door(make());
    if (answer.kind === 'lost') return void lost.push(answer.why);
    answerMs.push(performance.now() - began);
    if (answer.kind === 'accepted') accepted.push(answer.directiveId);
    else refused += 1;
  };
  const began = performance.now();
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - began) {
    for (; offered < (elapsed / 1_000) * perSecond; offered += 1) {
      const answer = one().finally(() => answers.delete(answer));
      answers.add(answer);
    }
    await wait(TICK_MS);
  }
  await Promise.all(answers);
  return { offered, accepted, refused, lost, answerMs };
}

/** Over NATS, as a client of the open protocol. */
export function natsDoor(client: Directives): Door {
  return async (text) => {
    try {
      const answer = await client.submitText(text, ANSWER_LIMIT_MS);
      if (answer.ok) return { kind: 'accepted', directiveId: answer.directiveId };
      const { code, message, details } = answer.error;
      return told(code, message, (details as { retryAfterMs?: unknown } | undefined)?.retryAfterMs);
    } catch (error) {
      return { kind: 'lost', why: (error as Error).message };
    }
  };
}

/** Over HTTP, at the gateway; with what costs the client least, for it runs on the same machine. */
export function httpDoor(gatewayUrl: string): Door {
  const agent = new Agent({ keepAlive: true, maxSockets: MOST_SOCKETS });
  const { hostname, port } = new URL(gatewayUrl);
  const asked = { agent, hostname, port, path: '/v1/directives', method: 'POST' };
  return (text) =>
    new Promise((resolve) => {
      const lost = (why: string) => resolve({ kind: 'lost', why });
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        'idempotency-key': randomUUID(),
      };
      const sent = request({ ...asked, headers, timeout: ANSWER_LIMIT_MS }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
        response.on('error', ({ message }) => lost(message));
        response.on('end', () => resolve(answerOf(response, body)));
      });
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`)));
      sent.on('error', ({ message }) => lost(message));
      sent.end(text);
    });
}

function answerOf({ statusCode, headers }: IncomingMessage, body: string): Answer {
  if (body === '') return { kind: 'lost', why: `${statusCode} without a body` };
  const said = JSON.parse(body) as { directiveId?: string; code?: string };
  if (said.directiveId !== undefined) return { kind: 'accepted', directiveId: said.directiveId };
  const retryAfterMs = Number(headers['retry-after'] ?? NaN) * 1_000;
  return told(said.code ?? '', `${statusCode}`, retryAfterMs);
}

function told(code: string, message: string, retryAfterMs: unknown): Answer {
  if (code === 'overloaded' && Number(retryAfterMs) > 0) {
    return { kind: 'refused', retryAfterMs: Number(retryAfterMs) };
  }
  return { kind: 'lost', why: `${code}: ${message}` };
}
