/** Rate, errors and duration of HTTP requests: one histogram, by route pattern, never by path. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { metricsOf } from './metrics';

const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

/** Express leaves the route that answered on the request. */
type Routed = IncomingMessage & { route?: { path?: unknown } };

/** The pattern of that route; one word for everything that no route knows. */
function routeOf(request: Routed): string {
  const path = request.route?.path;
  return typeof path === 'string' && !path.includes('*') ? path : 'unmatched';
}

/** A live feed ends when its reader leaves; its duration says nothing about us. */
const isFeed = (response: ServerResponse) =>
  String(response.getHeader('content-type') ?? '').startsWith('text/event-stream');

export function httpMetrics(registry: Registry) {
  const { requestSeconds } = metricsOf(registry, 'http');
  return (request: Routed, response: ServerResponse, next: () => void): void => {
    const start = performance.now();
    response.once('finish', () => {
      if (isFeed(response)) return;
      const status = statusClasses[Math.floor(response.statusCode / 100) - 1] ?? '5xx';
      const method = request.method ?? 'GET';
      const seconds = (performance.now() - start) / 1000;
      requestSeconds.observe({ method, route: routeOf(request), status }, seconds);
    });
    next();
  };
}
