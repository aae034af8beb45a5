/**
 * One client that follows by server-sent events. Owns the form on the wire, the heartbeat, and the
 * bound: a client that reads too slowly is cut off, never buffered for.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

export const HEARTBEAT_MS = 15_000;
/** With so much waiting, on top of what the system's own buffers hold, a client gets no more. */
export const MAX_BUFFERED_BYTES = 1024 * 1024;
/** A client that took nothing for so long while it was behind is gone. */
const DRAIN_LIMIT_MS = 30_000;

export interface SseMessage {
  readonly id?: number;
  readonly event?: string;
  readonly data: unknown;
}

export class SseStream {
  private readonly ended = new AbortController();
  private readonly heartbeat: NodeJS.Timeout;

  constructor(
    request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    response.statusCode = 200;
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    response.setHeader('Cache-Control', 'no-cache, no-transform');
    response.setHeader('X-Accel-Buffering', 'no');
    request.socket.setNoDelay(true);
    response.once('close', () => this.close());
    response.on('error', () => this.close());
    this.heartbeat = setInterval(() => this.write(': still here\n\n'), HEARTBEAT_MS);
    this.write('retry: 1000\n\n');
  }

  /** Aborted when the client has gone or was cut off. */
  get signal(): AbortSignal {
    return this.ended.signal;
  }

  send({ id, event, data }: SseMessage): void {
    const head = (id === undefined ? '' : `id: ${id}\n`) + (event ? `event: ${event}\n` : '');
    this.write(`${head}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Resolves when the client has taken what was sent, or is gone. */
  async drained(): Promise<void> {
    if (!this.response.writableNeedDrain || this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => this.close(), DRAIN_LIMIT_MS);
      const done = () => {
        clearTimeout(limit);
        this.response.off('drain', done);
        this.signal.removeEventListener('abort', done);
        resolve();
      };
      this.response.once('drain', done);
      this.signal.addEventListener('abort', done, { once: true });
    });
  }

  /** The orderly end; the client may come back with the last id it saw. */
  end(): void {
    if (!this.response.writableEnded) this.response.end();
    this.stop();
  }

  private write(text: string): void {
    if (this.signal.aborted) return;
    // One message may be larger than the bound; a client that takes it is none that is behind.
    if (this.response.writableLength > MAX_BUFFERED_BYTES) this.close();
    else this.response.write(text);
  }

  private close(): void {
    this.response.destroy();
    this.stop();
  }

  private stop(): void {
    clearInterval(this.heartbeat);
    this.ended.abort();
  }
}

/** The client asks for a stream rather than a page. */
export function wantsStream(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').toLowerCase().includes('text/event-stream');
}
