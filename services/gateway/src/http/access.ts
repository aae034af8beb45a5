/**
 * Who may ask at all. Owns the token, and the walls that keep web pages of strangers out.
 *
 * A1 With a token set, everything but health and metrics needs it: as a bearer token, or as the
 *    password of basic authentication, which is what a browser can send.
 * A2 Without a token the gateway listens on loopback only (`config.ts`), and a request must name
 *    loopback as its host: a foreign name that points here is DNS rebinding.
 * A3 No page of another site may call, token or not: a browser would send the password along.
 *    Following a link to a page is no call.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';

import { PersonId } from '@writ/contracts';
import { Problem } from './problem';

const OPEN_PATHS = new Set(['/healthz', '/readyz', '/metrics']);

/** Undefined when the request may pass. */
export function refuseAccess(request: IncomingMessage, token?: string): Problem | undefined {
  const host = request.headers.host ?? '';
  if (token === undefined && !isLoopbackHost(host)) {
    const detail = `the host "${host.slice(0, 200)}" is not loopback; without WRIT_TOKEN only 127.0.0.1, ::1 and localhost are answered`;
    return new Problem('forbidden', detail);
  }
  if (isForeign(request, host)) {
    return new Problem('forbidden', 'a page of another site may not call this API');
  }
  const path = (request.url ?? '').split('?', 1)[0]!;
  if (token === undefined || OPEN_PATHS.has(path)) return undefined;
  return sameSecret(tokenOf(request.headers.authorization), token)
    ? undefined
    : new Problem('unauthorized', 'send the token as "Authorization: Bearer <WRIT_TOKEN>"');
}

export function isLoopbackHost(host: string): boolean {
  const name = hostName(host);
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

function hostName(host: string): string {
  const bracketed = /^\[([0-9a-f:.]+)\](?::\d{1,5})?$/i.exec(host);
  const plain = /^([^:[\]]+)(?::\d{1,5})?$/.exec(host);
  return (bracketed?.[1] ?? plain?.[1] ?? '').toLowerCase();
}

function isForeign(request: IncomingMessage, host: string): boolean {
  const { origin } = request.headers;
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) return true;
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  const follows =
    request.method === 'GET' &&
    request.headers['sec-fetch-mode'] === 'navigate' &&
    request.headers['sec-fetch-dest'] === 'document';
  return !follows;
}

function tokenOf(authorization = ''): string | undefined {
  const [scheme = '', value = ''] = authorization.split(' ', 2);
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}

/** Takes the same time wherever they differ, and whatever their lengths. */
function sameSecret(given: string | undefined, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return given !== undefined && timingSafeEqual(digest(given), digest(expected));
}

/**
 * Who it is, for the record: who he says he is, since one token stands for everybody who has it. Who
 * says nothing is called by the way in.
 */
export function personOf(request: IncomingMessage): string {
  const said = request.headers['writ-person'];
  if (typeof said === 'string') {
    if (PersonId.safeParse(said).success) return said;
    throw new Problem('malformed', 'the header Writ-Person names no person, such as alice');
  }
  return request.headers.authorization === undefined ? 'local' : 'token';
}
