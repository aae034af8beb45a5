/** What has come of the work on a directive's workspace, by the events that said so. */
import type { RecordedEvent, WorkspaceWork } from '@writ/contracts';

/** In the place of a run's id. */
const PREPARED = '';

export class WorkspaceAnswers {
  private readonly events = new Map<string, RecordedEvent>();

  note(event: RecordedEvent): void {
    this.events.set((event.data as { runId?: string }).runId ?? PREPARED, event);
  }

  to(work: WorkspaceWork): RecordedEvent | undefined {
    return this.events.get(work.op === 'merge' ? work.runId : PREPARED);
  }
}
