/** Errors as the command line tells them. Owns the one table from code to exit code (FORMATS). */

export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  conflict: 5,
  waiting: 6,
  timeout: 7,
  failed: 10,
  verificationFailed: 11,
  interrupted: 130,
} as const;

/** A code that is not here ends with 1. */
const exitCodes: Readonly<Record<string, number>> = {
  usage: EXIT.usage,
  malformed: EXIT.usage,
  invalid_directive: EXIT.usage,
  invalid_schedule: EXIT.usage,
  too_large: EXIT.usage,
  not_available: EXIT.usage,
  incomplete: EXIT.usage,
  digest_mismatch: EXIT.usage,
  repository_missing: EXIT.usage,
  not_a_repository: EXIT.usage,
  no_commit: EXIT.usage,
  base_branch_missing: EXIT.usage,
  directory_missing: EXIT.usage,
  not_found: EXIT.notFound,
  file_missing: EXIT.notFound,
  unauthorized: EXIT.notAllowed,
  forbidden: EXIT.notAllowed,
  not_allowed: EXIT.notAllowed,
  already_exists: EXIT.conflict,
  illegal_transition: EXIT.conflict,
  command_reused: EXIT.conflict,
  superseded: EXIT.conflict,
  stale: EXIT.conflict,
  timeout: EXIT.timeout,
  verification_failed: EXIT.verificationFailed,
  interrupted: EXIT.interrupted,
};

export class CliError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details?: unknown,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'CliError';
  }

  get exitCode(): number {
    return exitCodes[this.code] ?? EXIT.error;
  }
}

/** Whatever was thrown, with a code. */
export function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (!(error instanceof Error)) return new CliError('error', String(error));
  const { code } = error as { code?: unknown };
  const known = typeof code === 'string' ? code.toLowerCase() : 'error';
  return new CliError(known, error.message, undefined, { cause: error });
}
