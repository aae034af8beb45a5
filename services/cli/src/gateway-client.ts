/**
 * The HTTP API as the commands use it. Owns what a problem document becomes, and trying again while
 * the gateway or a service behind it is away for a moment, or has too much to do: a repeated command
 * carries the same key.
 */
import type { RetryLater } from '@writ/contracts';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';

import { asCliError, CliError } from './cli-error';
import { findGateway } from './find-stack';
import { lineReader, readSse, type SseEvent } from './read-sse';

const RETRY_FOR_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

export interface GatewayOptions {
  readonly url: string;
  readonly token?: string | undefined;
  readonly retryForMs?: number;
  /** Hears why it takes longer, once. */
  readonly tell?: ((text: string) => void) | undefined;
}

interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly bytes?: Uint8Array;
  /** The same bytes as they come, anew for each try. */
  readonly open?: () => Promise<Readable>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export class Gateway {
  constructor(private readonly options: GatewayOptions) {}

  /** Of the environment and the running stack. Throws CliError `no_stack`. */
  static find(tell?: (text: string) => void): Gateway {
    return new Gateway({ url: findGateway().url, token: process.env['WRIT_TOKEN'], tell });
  }

  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.ask(path, { signal }, (response) => response.json() as Promise<T>);
  }

  async getText(path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.ask(path, { headers }, (response) => response.text());
  }

  async post<T>(
    path: string,
    body: unknown,
    key: string = randomUUID(),
    more: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const headers = { 'idempotency-key': key, ...more };
    const ask = { method: 'POST', body, headers };
    return this.ask(path, ask, (response) => response.json() as Promise<T>);
  }

  async exists(path: string): Promise<boolean> {
    try {
      await this.ask(path, { method: 'HEAD' }, asItIs);
      return true;
    } catch (error) {
      if (error instanceof CliError && error.code === 'not_found') return false;
      throw error;
    }
  }

  /** Of what would be answered, in bytes. */
  async sizeOf(path: string): Promise<number> {
    const response = await this.ask(path, { method: 'HEAD' }, asItIs);
    return Number(response.headers.get('content-length') ?? 0);
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.ask(path, { method: 'PUT', bytes }, (response) => response.text());
  }

  /** What is too much to hold: it is opened again when it has to be sent again. */
  async putStream(path: string, open: () => Promise<Readable>): Promise<void> {
    await this.ask(path, { method: 'PUT', open }, (response) => response.text());
  }

  /** The bytes of an answer as they come. */
  async pieces(path: string): Promise<AsyncIterable<Uint8Array>> {
    return bodyOf(await this.ask(path, {}, asItIs));
  }

  /** Server-sent events until the server ends the stream or the signal is aborted. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<SseEvent> {
    const headers = { accept: 'text/event-stream' };
    const response = await this.ask(path, { headers, signal }, asItIs);
    yield* readSse(bodyOf(response, signal));
  }

  /** Long work: hands over its progress, gives its result. Throws what the last line says. */
  async work<T>(path: string, body: unknown, onProgress: (state: unknown) => void): Promise<T> {
    const headers = { 'idempotency-key': randomUUID() };
    const response = await this.ask(path, { method: 'POST', body, headers }, asItIs);
    for await (const line of lineReader(bodyOf(response))) {
      const said = JSON.parse(line) as WorkLine<T>;
      if ('result' in said) return said.result;
      if ('error' in said) {
        throw new CliError(said.error.code, said.error.message, said.error.details);
      }
      onProgress(said.progress);
    }
    throw new CliError('unavailable', 'the gateway ended before it had the result; try again');
  }

  /** Asks, and reads the answer, until it is there, is refused, or time is up. */
  private async ask<T>(
    path: string,
    ask: Ask,
    read: (response: Response) => T,
  ): Promise<Awaited<T>> {
    const deadline = performance.now() + (this.options.retryForMs ?? RETRY_FOR_MS);
    for (let tries = 1; ; tries += 1) {
      let pause = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
      try {
        return await this.askOnce(path, ask, read);
      } catch (error) {
        pause = Math.max(pause, retryAfterMs(error));
        if (performance.now() + pause > deadline || ask.signal?.aborted) throw error;
        if (tries === 1 && asCliError(error).code === 'overloaded') {
          this.options.tell?.('the system has too much to do; waiting for room');
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  private async askOnce<T>(
    path: string,
    ask: Ask,
    read: (response: Response) => T,
  ): Promise<Awaited<T>> {
    const { url, token } = this.options;
    const { method = 'GET', body, bytes, open, headers, signal } = ask;
    const stream = await open?.();
    const content = body === undefined ? bytes : JSON.stringify(body);
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...headers,
        },
        ...(content === undefined ? {} : { body: content }),
        ...(stream === undefined ? {} : { body: Readable.toWeb(stream), duplex: 'half' }),
        ...(signal === undefined ? {} : { signal }),
        redirect: 'error',
      });
      if (!response.ok) throw await problemOf(response, path);
      return await read(response);
    } catch (error) {
      if (error instanceof CliError || signal?.aborted) throw error;
      const reason = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
      const message = `the gateway at ${url} does not answer (${reason}); is the stack running? "writ up" starts it, "writ doctor" looks`;
      throw new CliError('unavailable', message, undefined, { cause: error });
    } finally {
      stream?.destroy();
    }
  }
}

/** After how long another try may help, at least; Infinity when none will. */
function retryAfterMs(error: unknown): number {
  if (!(error instanceof CliError)) return Infinity;
  if (error.code === 'unavailable') return 0;
  if (error.code !== 'overloaded') return Infinity;
  return Number((error.details as Partial<RetryLater> | undefined)?.retryAfterMs ?? 0);
}

/** For answers that are read while they come. */
const asItIs = (response: Response): Response => response;

type WorkLine<T> =
  | { progress: unknown }
  | { result: T }
  | { error: { code: string; message: string; details?: unknown } };

async function problemOf(response: Response, path: string): Promise<CliError> {
  const problem = parseProblem(await response.text());
  const detail = String(problem.detail ?? response.statusText);
  if (problem.code === 'not_found' || response.status === 404) return notFound(path, detail);
  if (problem.code === 'unauthorized') {
    return new CliError('unauthorized', 'the gateway asks for its token; set WRIT_TOKEN to it');
  }
  if (typeof problem.code === 'string') return new CliError(problem.code, detail, problem.details);
  const message = `the gateway answered ${response.status} ${detail}`;
  return new CliError(response.status === 503 ? 'unavailable' : 'error', message);
}

/** An answer to HEAD has no body, and what stands before the gateway may answer in HTML. */
function parseProblem(text: string): { code?: unknown; detail?: unknown; details?: unknown } {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}

/** Names what was asked for, which an answer from deep inside may not. */
function notFound(path: string, detail: string): CliError {
  const id = decodeURIComponent(path.split('?')[0]!.split('/')[3] ?? '');
  return new CliError('not_found', detail.includes(id) ? detail : `${detail}: ${id}`);
}

/**
 * Ends when the signal is aborted. That of the request is not enough: `fetch` holds on to it weakly, and
 * once it was collected, a stream that is read for long goes on for ever.
 */
async function* bodyOf(response: Response, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const leave = () => void reader.cancel().catch(() => undefined);
  signal?.addEventListener('abort', leave, { once: true });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    signal?.removeEventListener('abort', leave);
    await reader.cancel().catch(() => undefined); // an aborted stream is cancelled already
  }
}
