/** A gateway for specs of the commands: answers from a table, and remembers what it was asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answer = (asked: Asked, response: ServerResponse) => void;

export class FakeGateway {
  readonly asked: Asked[] = [];
  private readonly answers = new Map<string, Answer>();
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<FakeGateway> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const gateway = new FakeGateway(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => void gateway.take(request, response));
    return gateway;
  }

  /** `what` is `GET /v1/...` without the query. */
  on(what: string, answer: Answer | object): void {
    const json: Answer = (_, response) => send(response, 200, answer);
    this.answers.set(what, typeof answer === 'function' ? (answer as Answer) : json);
  }

  refuse(what: string, status: number, code: string, detail = 'no', details?: unknown): void {
    this.on(what, (_, response) => send(response, status, { code, detail, details }));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += String(piece);
    const { method = '', url = '', headers } = request;
    const asked = { method, path: url, headers, body };
    this.asked.push(asked);
    const answer = this.answers.get(`${method} ${url.split('?')[0]}`);
    if (answer !== undefined) answer(asked, response);
    else send(response, 404, { code: 'not_found', detail: 'there is no such thing' });
  }
}

export function send(response: ServerResponse, status: number, value: unknown): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(value));
}
