/** The kinds of trouble; see docs/CONTRIBUTING.md. A refusal is a value, these are thrown. */

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

/**
 * What all work stands on is away (the database, the disk), which says nothing about this work: it
 * waits until that is back, however long, and has not failed. For trouble of the one thing that was
 * asked for, throw something else.
 */
export class Unavailable extends Error {
  readonly code = 'unavailable';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unavailable';
  }
}
