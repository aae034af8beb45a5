/** The streams that clients hold open: counted, bounded, and ended when the process stops. */
import type { RecordedEvent } from '@writ/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Follower } from './event-feed';
import { Problem } from './http/problem';
import { SseStream } from './http/sse-stream';

const MAX_STREAMS = 500;

export interface StreamCounts {
  open(count: number): void;
  sent(): void;
}

export class OpenStreams {
  private readonly streams = new Set<SseStream>();
  private stopped = false;

  constructor(private readonly counts: StreamCounts = { open: () => {}, sent: () => {} }) {}

  /** Throws Problem `unavailable` when there are too many. */
  open(request: IncomingMessage, response: ServerResponse): SseStream {
    if (this.stopped) throw new Problem('unavailable', 'the gateway is stopping; come back');
    if (this.streams.size >= MAX_STREAMS) {
      const detail = `${MAX_STREAMS} streams are open already; close some or read pages`;
      throw new Problem('unavailable', detail);
    }
    const stream = new SseStream(request, response);
    this.streams.add(stream);
    this.counts.open(this.streams.size);
    stream.signal.addEventListener('abort', () => {
      this.streams.delete(stream);
      this.counts.open(this.streams.size);
    });
    return stream;
  }

  follower(stream: SseStream): Follower {
    return {
      signal: stream.signal,
      take: (event: RecordedEvent) => {
        stream.send({ id: event.position, data: event });
        this.counts.sent();
      },
      drained: () => stream.drained(),
    };
  }

  endAll(): void {
    this.stopped = true;
    for (const stream of [...this.streams]) stream.end();
  }
}
