export type ServerErrorCode =
  | 'PORT_TAKEN'
  | 'FOLDER_IN_USE'
  | 'NOT_INSTALLED'
  | 'VERSION_MISMATCH'
  | 'START_FAILED'
  | 'START_TIMEOUT'
  | 'STOP_FAILED';

/** Why an embedded server could not be started or stopped; the message names place and cure. */
export class ServerError extends Error {
  override readonly name = 'ServerError';

  constructor(
    readonly code: ServerErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
