import { streamOf } from '@writ/contracts';
import type { WorkItem } from '@writ/domain';
import { MemoryLog, uuidV7 } from '@writ/event-log';
import { findProgress } from './find-progress';

const id = 'abcdefgh12345678';
const stream = streamOf.workspace(id);
const item = (itemId: string) => ({ id: itemId, stream }) as WorkItem;

async function logOf(...told: [type: string, data: object][]): Promise<MemoryLog> {
  const log = new MemoryLog();
  const actor = { kind: 'service' as const, id: 'test' };
  const metadata = { commandId: 'c', correlationId: id, actor };
  const events = told.map(([type, data]) => ({
    ...{ id: uuidV7(), type, schemaVersion: 1, metadata, data: { directiveId: id, ...data } },
  }));
  await log.append({ stream, expectedVersion: 0, events });
  return log;
}

describe('the progress of a workspace', () => {
  it('is told by the event of each item, and by no other of the stream', async () => {
    const log = await logOf(
      ['WorkspacePrepared', { kind: 'git', path: '/r' }],
      ['StepMerged', { runId: 'run', step: 's', commit: 'c' }],
      ['WorkspaceRolledBack', { rollbackId: 'back', from: 'c', to: 'b' }],
    );
    const items = [`${id}-prepare`, 'run-merge', 'back', 'other'].map(item);
    const { done } = await findProgress({ log } as never, id, items);
    expect([...done].map(([key, { version }]) => [key, version])).toEqual([
      [`${id}-prepare`, 1],
      ['run-merge', 2],
      ['back', 3],
    ]);
  });

  it('a rollback is no preparation', async () => {
    const refused = { rollbackId: 'back', code: 'branch_moved', message: 'm' };
    const log = await logOf(['WorkspaceRollbackRefused', refused]);
    const { done } = await findProgress({ log } as never, id, [item(`${id}-prepare`)]);
    expect(done.size).toBe(0);
  });
});
