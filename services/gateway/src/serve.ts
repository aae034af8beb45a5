/**
 * The HTTP server around the application. Owns what holds for every request: its limits in time and
 * size, its id, the security headers, and who may ask.
 */
import { NestFactory } from '@nestjs/core';
import { metricsOf, nestLogger } from '@writ/observability';
import type { Express } from 'express';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { AppModule, type GatewayParts } from './app.module';
import { refuseAccess } from './http/access';
import { Door } from './http/door';
import { Problem, sendProblem } from './http/problem';
import { asProblem } from './http/problem-filter';
import { readJsonBody } from './http/read-body';
import { giveRequestId, requestIdOf } from './http/request-id';
import { setSecurityHeaders } from './http/security-headers';
import { OpenStreams } from './open-streams';
import { routes } from './routes';

export interface ServeOptions {
  readonly host: string;
  readonly port: number;
  readonly token?: string | undefined;
  /** How long a whole request, body and all, may take to arrive. */
  readonly requestTimeoutMs?: number;
}

export interface Served {
  readonly url: string;
  /** Ends the streams, lets what is under way finish, closes. */
  stop(): Promise<void>;
}

export async function serve(parts: GatewayParts, options: ServeOptions): Promise<Served> {
  const door = new Door();
  const app = await NestFactory.create(AppModule.of(parts, door), {
    bodyParser: false,
    abortOnError: false,
    logger: nestLogger(parts.logger),
  });
  const express = app.getHttpAdapter().getInstance() as Express;
  express.disable('x-powered-by');
  express.disable('etag');
  await app.init();
  const requestTimeout = options.requestTimeoutMs ?? 60_000;
  const limits = {
    requestTimeout,
    headersTimeout: Math.min(10_000, requestTimeout),
    connectionsCheckingInterval: Math.min(1_000, requestTimeout),
    keepAliveTimeout: 65_000,
    maxHeaderSize: 16 * 1024,
  };
  const { refused } = metricsOf(parts.registry, 'entrance');
  // Before the application is asked: under ten times the load there is no time for more.
  const enter = entrance(options.token, door, ({ code }) =>
    refused.inc({ code: code as 'forbidden' }),
  );
  const server = createServer(limits, (request, response) =>
    enter(request, response, () => express(request, response)),
  );
  server.maxConnections = MOST_CONNECTIONS;
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    stop: async () => {
      app.get(OpenStreams).endAll();
      await close(server, sockets);
      await app.close();
    },
  };
}

/** As many may come at once: whom the kernel turns away tries again after seconds, and is not told why. */
const MOST_CONNECTIONS = 2_000;
const REQUEST_GRACE_MS = 5_000;

/**
 * Connections are kept open between requests: each is closed as soon as it has nothing to do. One
 * on which nothing was ever asked, as clients hold in reserve, does not count as idle for Node.
 */
async function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  const cut = setTimeout(() => server.closeAllConnections(), REQUEST_GRACE_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

function entrance(token: string | undefined, door: Door, refusing: (problem: Problem) => void) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    giveRequestId(response);
    setSecurityHeaders(response);
    const refused = refuseAccess(request, token) ?? refuseAtDoor(request, response, door);
    if (refused !== undefined) {
      refusing(refused);
      sendProblem(response, refused, requestIdOf(response));
      return;
    }
    if (request.method !== 'POST') {
      next();
      return;
    }
    readJsonBody(request).then(
      (body) => {
        (request as IncomingMessage & { body?: unknown }).body = body;
        next();
      },
      (error: unknown) => sendProblem(response, asProblem(error), requestIdOf(response)),
    );
  };
}

/** The body of who is refused is not read: the connection serves the next request all the same. */
function refuseAtDoor(
  request: IncomingMessage,
  response: ServerResponse,
  door: Door,
): Problem | undefined {
  const { method, path } = routes.submitDirective;
  if (request.method?.toLowerCase() !== method || request.url !== path) return undefined;
  const entered = door.enter();
  if (entered instanceof Problem) return entered;
  response.once('close', entered);
  return undefined;
}

function listen(server: Server, { host, port }: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `${host}:${port} is taken by another process; choose another HTTP_PORT, or 0 for any free one`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken, { cause: error }) : error);
    });
    server.listen({ host, port, backlog: MOST_CONNECTIONS }, resolve);
  });
}
