import type { RecordedEvent, WorkspaceWork } from '@writ/contracts';
import { WorkspaceAnswers } from './workspace-answers';

const directiveId = 'abcdefgh12345678';
const event = (type: string, data: object) =>
  ({ type, data: { directiveId, ...data } }) as unknown as RecordedEvent;
const work = (more: object) => ({ directiveId, ...more }) as WorkspaceWork;

it('each kind of work has its own answer, whatever was said after it', () => {
  const prepared = event('WorkspacePrepared', { kind: 'git', path: '/r' });
  const merged = event('StepMerged', { runId: 'r1', commit: 'c' });
  const back = event('WorkspaceRolledBack', { rollbackId: 'r1', from: 'c', to: 'b' });
  const refused = event('WorkspaceRollbackRefused', { rollbackId: 'r2', code: 'branch_moved' });
  const answers = new WorkspaceAnswers();
  for (const it of [prepared, merged, back, refused]) answers.note(it);
  expect(answers.to(work({ op: 'prepare' }))).toBe(prepared);
  expect(answers.to(work({ op: 'merge', runId: 'r1' }))).toBe(merged);
  expect(answers.to(work({ op: 'rollback', rollbackId: 'r1' }))).toBe(back);
  expect(answers.to(work({ op: 'rollback', rollbackId: 'r2' }))).toBe(refused);
  expect(answers.to(work({ op: 'rollback', rollbackId: 'r3' }))).toBeUndefined();
});
