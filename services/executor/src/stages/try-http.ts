/**
 * One try of an http step: asks, takes the answer's body as stdout and as a file, and tells what it
 * was, in the words of the run. Whom it may ask, and the limits, are `@writ/outbound-http`'s.
 */
import type { RunError } from '@writ/contracts';
import {
  OutboundTrouble,
  redactedHeaders,
  whatIsWrong,
  type Outbound,
  type OutboundResponse,
} from '@writ/outbound-http';
import type { Transcript } from '@writ/programs';
import type { AdapterOf } from '../adapters/adapter';
import { InsideFolder, PathRefused } from '../workspaces/inside-folder';
import type { Execution } from './execute-step';
import { cancellation, lost, type Tried } from './process-step';

export interface HttpTools {
  readonly outbound: Pick<Outbound, 'request'>;
  readonly transcript: Transcript;
}

const DEFAULT_MAX_BYTES = 10 * 1024 * 1024;
/** Who answers so may answer otherwise a little later. */
const PASSING = new Set([429, 502, 503, 504]);

type Kind = OutboundTrouble['kind'];
const kindOfTrouble: Readonly<Record<Kind, RunError['kind']>> = {
  refused: 'invalid',
  invalid: 'invalid',
  unreachable: 'infrastructure',
  timeout: 'timeout',
  redirects: 'exit',
};

/** Throws RunLost. */
export async function tryHttp(
  task: Execution,
  adapter: AdapterOf<'http'>,
  attempt: number,
  { outbound, transcript }: HttpTools,
): Promise<Tried> {
  const { work, run, request, laid } = task;
  const { url, body, maxBytes = DEFAULT_MAX_BYTES, maxRedirects } = adapter;
  const method = adapter.method ?? (body === undefined ? 'GET' : 'POST');
  const began = performance.now();
  const headers = request?.headers;
  const shown = JSON.stringify(redactedHeaders(headers));
  transcript.begin(`${work.runId}, try ${attempt}: ${method} ${url} ${shown}`);
  try {
    const { timeoutMs } = work;
    const limits = { timeoutMs, maxBytes, maxRedirects, signal: run.stop };
    const response = await outbound.request({ url, method, headers, body, ...limits });
    transcript.take('stdout', response.body);
    const wrong = errorOf(response, adapter);
    const error = wrong ?? (await layBody(response.body, adapter.bodyTo, laid.root));
    const { status, truncated } = response;
    const type = response.headers['content-type'];
    const metadata = { status, url: response.url, ...(type && { contentType: type }), truncated };
    return { ...ended(error), metadata, retryAfterMs: retryAfterOf(response) };
  } catch (thrown) {
    if (run.stoppedBy !== undefined && run.stoppedBy !== 'cancelled') throw lost(work, run);
    if (run.stoppedBy === 'cancelled') return ended(cancellation());
    if (!(thrown instanceof OutboundTrouble)) throw thrown;
    const { kind, message } = thrown;
    return ended({ kind: kindOfTrouble[kind], code: `http_${kind}`, message });
  }

  function ended(error?: RunError): Tried {
    const said = transcript.end();
    if (error !== undefined) transcript.note(error.message);
    const durationMs = performance.now() - began;
    return { end: { exitCode: null, durationMs }, error, reported: [], said };
  }
}

function errorOf(
  response: OutboundResponse,
  { expect, maxBytes = DEFAULT_MAX_BYTES }: AdapterOf<'http'>,
): RunError | undefined {
  const { status, truncated, url } = response;
  const message = whatIsWrong(response, expect);
  if (message !== undefined) {
    const kind = PASSING.has(status) ? 'infrastructure' : 'exit';
    return { kind, code: `http_${status}`, message };
  }
  if (!truncated) return undefined;
  const text = `the answer of ${url} has more than ${maxBytes} bytes; "maxBytes" says how many it may have`;
  return { kind: 'output', code: 'too_large', message: text };
}

async function layBody(
  body: Buffer,
  path: string | undefined,
  root: string,
): Promise<RunError | undefined> {
  if (path === undefined) return undefined;
  try {
    await new InsideFolder(root).write(path, [body]);
    return undefined;
  } catch (error) {
    if (!(error instanceof PathRefused)) throw error;
    return { kind: 'output', code: error.code, message: error.message };
  }
}

/** Seconds, or a date. */
export function retryAfterOf({ headers }: Pick<OutboundResponse, 'headers'>): number | undefined {
  const said = headers['retry-after'];
  if (said === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
