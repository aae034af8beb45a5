/**
 * One request to somebody outside, from its address to its answer.
 *
 * O1 A name is resolved once for each hop, and what is connected to is what was allowed: an answer of
 *    DNS that changes in between changes nothing.
 * O2 One time limit covers it all: names, connections, redirects, the body.
 * O3 Of a body no more than the limit is read; the answer says when there was more.
 * O4 Redirects are followed as far as agreed, each allowed for itself; what the caller's headers and
 *    body hold goes to nobody but whom they were meant for.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import type { AllowList } from './allow-list';
import { exchange } from './exchange';
import { OutboundTrouble } from './outbound-trouble';

export { OutboundTrouble } from './outbound-trouble';

export interface OutboundRequest {
  readonly url: string;
  /** Default: GET, with a body POST. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  /** Of the answer's body. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Default 5. */
  readonly maxRedirects?: number;
  /** Ends it; the call then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** There was more than `body` holds. */
  readonly truncated: boolean;
  /** Who answered, after redirects. */
  readonly url: string;
}

export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

const DEFAULT_MAX_BYTES = 1024 * 1024;
const DEFAULT_MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What says something to the connection, and not to who answers. */
const OURS = /^(host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect)$/i;

const lookup = promisify(systemLookup);
const resolveName: Resolve = (name) => lookup(name, { all: true });

export class Outbound {
  constructor(
    private readonly allowed: AllowList,
    private readonly resolve: Resolve = resolveName,
  ) {}

  /** Throws OutboundTrouble, or the reason of the signal. */
  async request(asked: OutboundRequest): Promise<OutboundResponse> {
    const { timeoutMs, signal: stop } = asked;
    const limit = AbortSignal.timeout(timeoutMs);
    const signal = stop ? AbortSignal.any([stop, limit]) : limit;
    try {
      return await this.follow(asked, signal);
    } catch (error) {
      stop?.throwIfAborted();
      if (!limit.aborted) throw error;
      throw new OutboundTrouble('timeout', `there was no whole answer within ${timeoutMs} ms`); // O2
    }
  }

  private async follow(asked: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse> {
    const { maxRedirects = DEFAULT_MAX_REDIRECTS, maxBytes = DEFAULT_MAX_BYTES } = asked;
    let url = urlOf(asked.url);
    let { body, headers = {} } = asked;
    let method = asked.method ?? (body === undefined ? 'GET' : 'POST');
    const ours = Object.keys(headers).find((name) => OURS.test(name));
    if (ours !== undefined) {
      throw new OutboundTrouble('invalid', `the header ${ours} is set by the connection`);
    }
    for (let hops = 0; ; hops += 1) {
      const addresses = await this.addressesOf(url, signal);
      const answer = await exchange({ url, addresses, method, headers, body, maxBytes, signal });
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined || maxRedirects === 0) {
        return { ...answer, url: url.href };
      }
      if (hops >= maxRedirects) {
        const message = `it redirects more than ${maxRedirects} times, at last to ${location}`;
        throw new OutboundTrouble('redirects', message);
      }
      const next = urlOf(location, url);
      if (answer.status === 303 || (answer.status < 303 && method === 'POST')) {
        method = method === 'HEAD' ? 'HEAD' : 'GET';
        body = undefined;
      }
      if (next.origin !== url.origin) {
        if (!/^(GET|HEAD)$/.test(method)) {
          const message = `it redirects a ${method} to another address, ${next.origin}`;
          throw new OutboundTrouble('redirects', message); // O4
        }
        headers = {}; // O4
      }
      url = next;
    }
  }

  private async addressesOf(url: URL, signal: AbortSignal): Promise<LookupAddress[]> {
    const name = url.hostname.replace(/^\[|\]$/g, '');
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    const family = isIP(name);
    const found = family === 0 ? await this.resolved(name, signal) : [{ address: name, family }];
    const allowed = found.filter(({ address }) => this.allowed.allows(name, address, port));
    if (allowed.length > 0) return allowed; // O1
    const as = family === 0 ? ` (${found.map(({ address }) => address).join(', ')})` : '';
    const message =
      `${name}${as}, port ${port}, may not be asked; ` +
      `WRIT_HTTP_ALLOW of the service names who may: ${this.allowed.listed.join(', ')}`;
    throw new OutboundTrouble('refused', message);
  }

  private async resolved(name: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    signal.throwIfAborted();
    let stopped: (() => void) | undefined;
    const stop = new Promise<never>((_, reject) => {
      stopped = () => reject(signal.reason);
      signal.addEventListener('abort', stopped, { once: true });
    });
    try {
      // What asks the system for a name cannot be stopped, only left behind.
      return await Promise.race([this.resolve(name), stop]);
    } catch (error) {
      signal.throwIfAborted();
      const { code } = error as NodeJS.ErrnoException;
      throw new OutboundTrouble('unreachable', `the name ${name} has no address (${code})`);
    } finally {
      if (stopped) signal.removeEventListener('abort', stopped);
    }
  }
}

function urlOf(text: string, from?: URL): URL {
  const url = URL.canParse(text, from?.href) ? new URL(text, from) : undefined;
  const wrong =
    url === undefined
      ? 'is no address'
      : !/^https?:$/.test(url.protocol)
        ? 'is not of http or https'
        : url.username !== '' || url.password !== ''
          ? 'holds a name or a password; a header is the place for it'
          : from?.protocol === 'https:' && url.protocol === 'http:'
            ? 'leads from https to http'
            : undefined;
  if (url !== undefined && wrong === undefined) return url;
  const shown = text.replace(/\/\/[^/@]*@/, '//').slice(0, 200);
  throw new OutboundTrouble('invalid', `${JSON.stringify(shown)} ${wrong}`);
}

/** For what is kept of a request: who asked what stays, what it was asked with goes. */
export const redactedHeaders = (headers: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.keys(headers).map((name) => [name, '[redacted]']));
