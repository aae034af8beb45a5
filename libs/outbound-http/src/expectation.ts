/** Compares an answer with what was expected. Expressions are RE2's: time grows with the text only. */
import type { HttpExpectation } from '@writ/contracts';
import { runInNewContext } from 'node:vm';
import { RE2JS, RE2JSException } from 're2js';
import type { OutboundResponse } from './outbound';
import { OutboundTrouble } from './outbound-trouble';

export type Expected = HttpExpectation;

/**
 * What is wrong with it, in one line, or undefined. Where nothing is said, any status from 200 to
 * 299 will do. Throws OutboundTrouble (`invalid`) when the expression cannot be used.
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
  if (bodyMatches !== undefined && !matches(bodyMatches, text)) {
    return `${within} of ${url} does not match ${bodyMatches}`;
  }
  return undefined;
}

/** Whatever it is, nothing else runs meanwhile: a short expression can stand for a large one. */
const TIME_LIMIT_MS = 2_000;

function matches(expression: string, text: string): boolean {
  let found = false;
  const run = () => {
    found = RE2JS.compile(expression).matcher(text).find();
  };
  try {
    runInNewContext('run()', { run }, { timeout: TIME_LIMIT_MS });
    return found;
  } catch (error) {
    const late = (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    if (!late && !(error instanceof RE2JSException)) throw error;
    const wrong = late ? `took longer than ${TIME_LIMIT_MS} ms` : (error as Error).message;
    const message = `the expression ${JSON.stringify(expression)}: ${wrong}`;
    throw new OutboundTrouble('invalid', message);
  }
}
