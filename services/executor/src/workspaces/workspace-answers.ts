/** What has come of the work on a directive's workspace, by the events that said so. */
import type { RecordedEvent, WorkspaceEvent, WorkspaceWork } from '@writ/contracts';

export class WorkspaceAnswers {
  private readonly events = new Map<string, RecordedEvent>();

  note(event: RecordedEvent): void {
    this.events.set(keyOf(event as unknown as WorkspaceEvent), event);
  }

  to(work: WorkspaceWork): RecordedEvent | undefined {
    if (work.op === 'prepare') return this.events.get('prepare');
    return this.events.get(
      work.op === 'merge' ? `merge ${work.runId}` : `rollback ${work.rollbackId}`,
    );
  }
}

function keyOf({ data }: WorkspaceEvent): string {
  if ('runId' in data) return `merge ${data.runId}`;
  return 'rollbackId' in data ? `rollback ${data.rollbackId}` : 'prepare';
}
