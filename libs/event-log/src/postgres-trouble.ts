/**
 * What an error of PostgreSQL or of the connection means for whoever was using it.
 *   broken     the connection is of no use; whether the statement was done is not known
 *   transient  nothing was done; the same may go well in a moment
 *   refused    nothing was done, and the same will fail again
 */
export type Trouble = 'broken' | 'transient' | 'refused';

/** lock_not_available, serialization_failure, deadlock_detected, query_canceled (a timeout). */
const TRANSIENT = new Set(['55P03', '40001', '40P01', '57014']);

export function troubleOf(error: unknown): Trouble {
  const code = codeOf(error);
  if (!/^[0-9A-Z]{5}$/.test(code)) return 'broken'; // of node or of pg: reset, timeout, ended
  if (TRANSIENT.has(code)) return 'transient';
  // Connection exceptions, the server shutting down or starting, the session ended for idling.
  // And a server that only reads (25006) is a standby now: a new connection finds the other one.
  if (/^(08|57P|25P0|25006)/.test(code)) return 'broken';
  // No room, no memory, no connection left: somebody else's doing, most likely.
  if (code.startsWith('53') || code.startsWith('58')) return 'transient';
  // No such login or database: somebody changes a password or restores a backup right now.
  if (code.startsWith('28') || code === '3D000') return 'transient';
  return 'refused';
}

/** The SQLSTATE, or node's code (`ECONNRESET`), or nothing. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Never empty: a connection tried at several addresses fails with a code and no message. */
export function reasonOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' && message !== '' ? message : codeOf(error) || String(error);
}

/** Which database a URL means, for messages: without user and password. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return 'a database whose URL cannot be read';
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** The first wait is short, each longer than the one before, and no two clients wait alike. */
export function backoffMs(
  attempt: number,
  firstMs: number,
  mostMs: number,
  random: () => number = Math.random,
): number {
  const most = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 20));
  return most / 2 + random() * (most / 2);
}
