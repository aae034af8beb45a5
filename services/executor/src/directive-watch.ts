/**
 * What the log says about the runs of a directive: which were started, which are cancelled. Reads a
 * directive's stream once and then only what is new, for as long as it is asked about.
 */
import { streamOf, type DirectiveEventData, type RecordedEvent } from '@writ/contracts';
import type { EventLog } from '@writ/event-log';

interface Known {
  version: number;
  readonly started: Set<string>;
  readonly cancelled: Set<string>;
  ended: boolean;
}

const MOST_DIRECTIVES = 200;
const PAGE = 10_000;

export class DirectiveWatch {
  private readonly directives = new Map<string, Known>();

  constructor(private readonly log: Pick<EventLog, 'readStream'>) {}

  /** `unknown`: no event of the directive started it. */
  async look(directiveId: string, runId: string): Promise<'wanted' | 'cancelled' | 'unknown'> {
    const known = await this.catchUp(directiveId);
    if (!known.started.has(runId)) return 'unknown';
    return known.cancelled.has(runId) || known.ended ? 'cancelled' : 'wanted';
  }

  private async catchUp(directiveId: string): Promise<Known> {
    const known = this.directives.get(directiveId) ?? {
      ...{ version: 0, ended: false },
      started: new Set<string>(),
      cancelled: new Set<string>(),
    };
    // The latest asked about is the last to be forgotten.
    this.directives.delete(directiveId);
    this.directives.set(directiveId, known);
    const [oldest = ''] = this.directives.keys();
    if (this.directives.size > MOST_DIRECTIVES) this.directives.delete(oldest);
    for (;;) {
      const asked = { afterVersion: known.version, limit: PAGE };
      const events = await this.log.readStream(streamOf.directive(directiveId), asked);
      for (const event of events) note(known, event);
      if (events.length < PAGE) return known;
    }
  }
}

function note(known: Known, { type, data, version }: RecordedEvent): void {
  if (version <= known.version) return; // somebody else read it meanwhile
  known.version = version;
  if (type === 'StepStarted') {
    known.started.add((data as DirectiveEventData<'StepStarted'>).runId);
  } else if (type === 'StepCancelled') {
    known.cancelled.add((data as DirectiveEventData<'StepCancelled'>).runId);
  } else if (/^Directive(Stopped|Failed|Completed|Archived)$/.test(type)) {
    known.ended = true;
  }
}
