/** Requests as specs make them of a gateway under test. Not part of the service. */
import { randomUUID } from 'node:crypto';

import { type GatewayUnderTest, startGateway } from './stand-ins';
import type { ServeOptions } from './serve';

export type Json = Record<string, unknown>;
type Headers = Record<string, string>;

export const directive = {
  title: 'T',
  goal: 'G',
  chain: { steps: [{ name: 'one', adapter: { kind: 'echo' } }] },
};

export class TestRequests {
  private gateway: GatewayUnderTest | undefined;

  /** One gateway for all tests of the file. */
  static ofOneGateway(options: Partial<ServeOptions> = {}): TestRequests {
    const requests = new TestRequests();
    beforeAll(async () => {
      requests.gateway = await startGateway(options);
    });
    afterAll(() => requests.gateway?.stop());
    return requests;
  }

  get url(): string {
    return this.gateway!.url;
  }

  get standIns() {
    return this.gateway!.standIns;
  }

  get(path: string, headers: Headers = {}): Promise<Response> {
    return fetch(this.url + path, { headers });
  }

  post(path: string, body: unknown, headers: Headers = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID(), ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
  }

  /** A stream of events, read as it comes until somebody leaves it. */
  async stream(path: string, headers: Headers = {}) {
    const abort = new AbortController();
    const response = await fetch(this.url + path, {
      headers: { accept: 'text/event-stream', ...headers },
      signal: abort.signal,
    });
    const text: { read: string } = { read: '' };
    const done = (async () => {
      const decoder = new TextDecoder();
      for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
        text.read += decoder.decode(piece, { stream: true });
      }
    })().catch(() => undefined); // it was left, or cut off: what was read says so
    const ids = () => [...text.read.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    return { response, text, ids, done, leave: () => abort.abort() };
  }
}

export async function problemOf(response: Response): Promise<Json> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  return (await response.json()) as Json;
}
