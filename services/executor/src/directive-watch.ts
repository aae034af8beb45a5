/** What the log says about the runs of a directive: which were started, which are cancelled. */
import { streamOf, type DirectiveEventData, type RecordedEvent } from '@writ/contracts';
import type { EventLog } from '@writ/event-log';
import { StreamFolds } from './stream-folds';

class RunsOfDirective {
  readonly started = new Set<string>();
  readonly cancelled = new Set<string>();
  ended = false;

  note({ type, data }: RecordedEvent): void {
    if (type === 'StepStarted') {
      this.started.add((data as DirectiveEventData<'StepStarted'>).runId);
    } else if (type === 'PlanningStarted') {
      const { runId } = data as DirectiveEventData<'PlanningStarted'>;
      if (runId !== undefined) this.started.add(runId);
    } else if (type === 'StepCancelled') {
      this.cancelled.add((data as DirectiveEventData<'StepCancelled'>).runId);
    } else if (/^Directive(Stopped|Failed|Completed|Archived)$/.test(type)) {
      this.ended = true;
    }
  }
}

export class DirectiveWatch {
  private readonly folds: StreamFolds<RunsOfDirective>;

  constructor(log: Pick<EventLog, 'readStream'>) {
    this.folds = new StreamFolds(log, () => new RunsOfDirective());
  }

  /** `unknown`: no event of the directive started it. */
  async look(directiveId: string, runId: string): Promise<'wanted' | 'cancelled' | 'unknown'> {
    const { fold } = await this.folds.load(streamOf.directive(directiveId));
    if (!fold.started.has(runId)) return 'unknown';
    return fold.cancelled.has(runId) || fold.ended ? 'cancelled' : 'wanted';
  }
}
