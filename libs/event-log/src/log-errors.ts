/** Trouble with the log itself; whoever appended may try the very same append again (L3). */

/** Too much is waiting to be appended. Nothing of this append was written. */
export class LogBusy extends Error {
  constructor(waiting: number, bytes: number) {
    super(
      `the log is busy: ${waiting} appends (${bytes} bytes) are waiting; ` +
        'try again later, and see whether PostgreSQL is slow or away',
    );
    this.name = 'LogBusy';
  }
}

/** The log could not be reached in time, or it is not known whether the append went in. */
export class LogUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LogUnavailable';
  }
}
