/**
 * Errors as people and programs get them: RFC 9457 problem documents. Owns the one table from
 * refusal code to HTTP status; nothing else in the system knows HTTP.
 */
import { refusalCodes, type RefusalCode, type RetryLater } from '@writ/contracts';
import type { ServerResponse } from 'node:http';

/** Trouble of the transport and of access, which no decider knows. */
const gatewayCodes = {
  unauthorized: 'the request has no valid token',
  forbidden: 'the request comes from where it must not come from',
  unsupported_media_type: 'the body has a type that is not read here',
  digest_mismatch: 'the bytes are not those that the digest names',
  timeout: 'the request took too long',
  unavailable: 'a part of the system does not answer; try again',
  internal: 'something went wrong here',
} as const;
export type ProblemCode = RefusalCode | keyof typeof gatewayCodes;

export const statusOf: Readonly<Record<ProblemCode, number>> = {
  malformed: 400,
  invalid_directive: 422,
  invalid_schedule: 422,
  not_found: 404,
  already_exists: 409,
  illegal_transition: 409,
  command_reused: 422,
  not_available: 422,
  superseded: 409,
  incomplete: 422,
  stale: 409,
  not_allowed: 403,
  overloaded: 429,
  too_large: 413,
  unauthorized: 401,
  forbidden: 403,
  unsupported_media_type: 415,
  digest_mismatch: 422,
  timeout: 408,
  unavailable: 503,
  internal: 500,
};

export const titleOf: Readonly<Record<ProblemCode, string>> = { ...refusalCodes, ...gatewayCodes };

/** How long a client should wait before it tries again what was not available. */
const RETRY_AFTER_SECONDS = 2;

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  details?: unknown;
  /** Names this one occurrence; it stands in the log beside what went wrong. */
  instance: string;
}

/** What a handler throws when the request cannot be answered as it was meant. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
    this.name = 'Problem';
  }
}

/** A code from elsewhere in the system, which may be newer than this table. */
export function knownCode(code: string): ProblemCode {
  const name = code.replaceAll('-', '_');
  return Object.hasOwn(statusOf, name) ? (name as ProblemCode) : 'internal';
}

export function problemDocument(problem: Problem, requestId: string): ProblemDocument {
  return {
    type: `urn:writ:problem:${problem.code}`,
    title: titleOf[problem.code],
    status: statusOf[problem.code],
    detail: problem.message,
    code: problem.code,
    ...(problem.details === undefined ? {} : { details: problem.details }),
    instance: `urn:uuid:${requestId}`,
  };
}

/** When to try again, for what may work then; undefined for what will not. */
function retryAfterSeconds({ code, details }: Problem): number | undefined {
  if (code === 'unavailable') return RETRY_AFTER_SECONDS;
  if (code !== 'overloaded') return undefined;
  const { retryAfterMs } = (details ?? {}) as Partial<RetryLater>;
  return retryAfterMs === undefined ? RETRY_AFTER_SECONDS : Math.ceil(retryAfterMs / 1000);
}

/** Ends the response with the problem; a response that has begun can only be cut off. */
export function sendProblem(response: ServerResponse, problem: Problem, requestId: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const document = problemDocument(problem, requestId);
  for (const name of ['Content-Disposition', 'Content-Length', 'ETag', 'Cache-Control']) {
    response.removeHeader(name);
  }
  response.statusCode = document.status;
  response.setHeader('Content-Type', 'application/problem+json');
  const retryAfter = retryAfterSeconds(problem);
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
  if (problem.code === 'unauthorized') {
    response.setHeader('WWW-Authenticate', ['Bearer realm="writ"', 'Basic realm="writ"']);
  }
  response.end(JSON.stringify(document));
}
