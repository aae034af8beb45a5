/** The log itself is in trouble; whoever appended may try the very same append again (L3). */
import { Unavailable } from '@writ/contracts';

/** Too much is waiting to be appended. Nothing of this append was written. */
export class LogBusy extends Unavailable {
  constructor(waiting: number, bytes: number) {
    super(
      `the log is busy: ${waiting} appends (${bytes} bytes) are waiting; ` +
        'try again later, and see whether PostgreSQL is slow or away',
    );
    this.name = 'LogBusy';
  }
}

/** The log could not be reached in time, or it is not known whether the append went in. */
export class LogUnavailable extends Unavailable {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LogUnavailable';
  }
}
