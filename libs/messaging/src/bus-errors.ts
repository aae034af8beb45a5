/** What a caller of the bus may have to catch, besides a TerminalError. */
import { TerminalError } from '@writ/contracts';

/** A query was answered with an error, or nobody is there to answer it (code `unavailable`). */
export class QueryError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
    this.name = 'QueryError';
  }
}

/** No answer, and no sign of progress, in time. What was asked may still have happened. */
export class TimeoutError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TimeoutError';
  }
}

/** A message could not be stored in time. It may have been stored: send it again with its id. */
export class SendError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SendError';
  }
}

/** The bytes of a message are no message: not JSON, not UTF-8, too deep, a wrong header. */
export class MalformedMessage extends TerminalError {
  constructor(message: string, details?: unknown) {
    super('malformed', message, details);
    this.name = 'MalformedMessage';
  }
}
