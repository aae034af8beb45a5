/**
 * Folds of streams that others write too: each stream is read once, then only what is new, for as
 * long as it is asked about.
 */
import type { RecordedEvent } from '@writ/contracts';
import type { EventLog } from '@writ/event-log';

export interface StreamFold {
  note(event: RecordedEvent): void;
}

interface Known<F> {
  version: number;
  readonly fold: F;
}

const MOST_STREAMS = 200;
const PAGE = 10_000;

export class StreamFolds<F extends StreamFold> {
  private readonly streams = new Map<string, Known<F>>();

  constructor(
    private readonly log: Pick<EventLog, 'readStream'>,
    private readonly begin: () => F,
  ) {}

  /** Includes all that was committed before the call. */
  async load(stream: string): Promise<Readonly<Known<F>>> {
    const known = this.streams.get(stream) ?? { version: 0, fold: this.begin() };
    // The latest asked about is the last to be forgotten.
    this.streams.delete(stream);
    this.streams.set(stream, known);
    const [oldest = ''] = this.streams.keys();
    if (this.streams.size > MOST_STREAMS) this.streams.delete(oldest);
    for (;;) {
      const asked = { afterVersion: known.version, limit: PAGE };
      const events = await this.log.readStream(stream, asked);
      for (const event of events) note(known, event);
      if (events.length < PAGE) return known;
    }
  }
}

function note<F extends StreamFold>(known: Known<F>, event: RecordedEvent): void {
  if (event.version <= known.version) return; // somebody else read it meanwhile
  known.version = event.version;
  known.fold.note(event);
}
