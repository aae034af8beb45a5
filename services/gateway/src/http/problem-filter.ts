/** Whatever a handler throws ends here and becomes a problem document. */
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { NotCanonicalError, TerminalError } from '@writ/contracts';
import { QueryError, SendError, TimeoutError } from '@writ/messaging';
import type { Logger } from '@writ/observability';
import type { ServerResponse } from 'node:http';

import { problemPage } from '../page/render-page';
import { knownCode, Problem, problemDocument, sendProblem, statusOf } from './problem';
import { requestIdOf } from './request-id';

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<ServerResponse>();
    const requestId = requestIdOf(response);
    const problem = asProblem(error);
    if (statusOf[problem.code] >= 500) {
      this.logger.error({ err: error, requestId }, `request failed: ${problem.message}`);
    }
    if (isPage(response)) sendPage(response, problem, requestId);
    else sendProblem(response, problem, requestId);
  }
}

/** Whoever asked for a page is a person, and gets one. */
function isPage(response: ServerResponse): boolean {
  return String(response.getHeader('Content-Type') ?? '').startsWith('text/html');
}

function sendPage(response: ServerResponse, problem: Problem, requestId: string): void {
  const document = problemDocument(problem, requestId);
  response.statusCode = document.status;
  response.end(problemPage(document));
}

/** What the bus says itself when a question was not answered. */
const NOBODY_THERE = new Set(['unavailable', 'busy', 'closed']);

/** The inside of an unexpected error stays inside; its message goes to the log. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof QueryError) {
    if (NOBODY_THERE.has(error.code)) return new Problem('unavailable', error.message);
    const code = knownCode(error.code);
    return code === 'internal'
      ? new Problem('internal', 'the service that was asked failed', { code: error.code })
      : new Problem(code, error.message, error.details);
  }
  if (error instanceof TimeoutError || error instanceof SendError) {
    return new Problem('unavailable', error.message);
  }
  if (error instanceof NotCanonicalError) return new Problem('malformed', error.message);
  if (error instanceof TerminalError) {
    return new Problem(knownCode(error.code), error.message, error.details);
  }
  if (error instanceof HttpException) return fromNest(error);
  return new Problem('internal', 'something went wrong here; the instance names it in the log');
}

function fromNest(error: HttpException): Problem {
  if (error.getStatus() === 404) return new Problem('not_found', error.message);
  if (error.getStatus() < 500) return new Problem('malformed', error.message);
  return new Problem('internal', 'something went wrong here; the instance names it in the log');
}
