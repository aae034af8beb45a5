/** The four kinds of trouble; see docs/CONTRIBUTING.md. A refusal is a value, these are thrown. */

/** Somebody else appended first. Decide again on the newer state. */
export class VersionConflict extends Error {
  constructor(
    readonly stream: string,
    readonly expectedVersion: number,
    readonly actualVersion: number,
  ) {
    super(`stream ${stream} is at version ${actualVersion}, not at ${expectedVersion}`);
    this.name = 'VersionConflict';
  }
}

/** Trying again cannot help: the message goes to the dead letters. */
export class TerminalError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
    this.name = 'TerminalError';
  }
}
