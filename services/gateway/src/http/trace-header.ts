import type { IncomingMessage } from 'node:http';

/** The trace that the caller is in, if it says so. */
export function traceparentOf(request: IncomingMessage): string | undefined {
  const value = request.headers['traceparent'];
  return typeof value === 'string' ? value : undefined;
}
