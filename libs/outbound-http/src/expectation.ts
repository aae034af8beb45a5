/** Compares an answer with what was expected. Expressions are RE2's: time grows with the text only. */
import type { HttpExpectation } from '@writ/contracts';
import { RE2JS, RE2JSException } from 're2js';
import type { OutboundResponse } from './outbound';
import { OutboundTrouble } from './outbound-trouble';

export type Expected = HttpExpectation;

/**
 * What is wrong with it, in one line, or undefined. Where nothing is said, any status from 200 to
 * 299 will do. Throws OutboundTrouble (`invalid`) when the expression is none.
 */
export function whatIsWrong(
  { status, body, truncated, url }: OutboundResponse,
  { status: wanted, bodyIncludes, bodyMatches }: Expected = {},
): string | undefined {
  const statuses = wanted === undefined ? undefined : [wanted].flat();
  const fits = statuses?.includes(status) ?? (status >= 200 && status < 300);
  if (!fits) {
    return `${url} answered with status ${status}, not ${statuses?.join(' or ') ?? '2xx'}`;
  }
  const text = body.toString('utf8');
  const within = truncated ? `the first ${body.length} bytes of the answer` : 'the answer';
  if (bodyIncludes !== undefined && !text.includes(bodyIncludes)) {
    return `${within} of ${url} does not hold ${JSON.stringify(bodyIncludes)}`;
  }
  if (bodyMatches !== undefined && !compiled(bodyMatches).matcher(text).find()) {
    return `${within} of ${url} does not match ${bodyMatches}`;
  }
  return undefined;
}

function compiled(expression: string): RE2JS {
  try {
    return RE2JS.compile(expression);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const message = `the expression ${JSON.stringify(expression)}: ${error.message}`;
    throw new OutboundTrouble('invalid', message);
  }
}
